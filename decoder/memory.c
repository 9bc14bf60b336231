// How the C library keeps memory, in a program that decodes for months.

#include <stdlib.h>  // names the C library

#ifdef __GLIBC__
#include <malloc.h>

// By default each thread that allocates gets an arena of its own, and each large block
// that is freed lets larger ones come from there, where freed memory stays in pieces. A
// camera that connects again would leave a little more behind each time, up to a limit
// that is twice what is needed.
__attribute__((constructor)) static void keep_memory_together(void) {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}
#endif
