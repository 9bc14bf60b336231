// The peers that `make bench-peers` builds: a module of its own, so that nothing of
// theirs comes into camgate.
module camgate/bench/peers

go 1.26

require github.com/AlexxIT/go2rtc v1.9.14

tool github.com/AlexxIT/go2rtc
