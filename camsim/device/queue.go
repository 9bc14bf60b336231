package device

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// A queue runs things when they are due, one after another, in one goroutine.
type queue struct {
	mu   sync.Mutex
	due  dueHeap
	wake chan struct{}
}

type dueTask struct {
	at  time.Time
	run func()
}

// maxQueue are waiting at most; what comes then is lost, as datagrams are.
const maxQueue = 50_000

func (q *queue) init() { q.wake = make(chan struct{}, 1) }

// add has f run at a time, where the queue lives that long.
func (q *queue) add(at time.Time, f func()) {
	q.mu.Lock()
	if len(q.due) < maxQueue {
		heap.Push(&q.due, dueTask{at, f})
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run runs what is due until ctx ends.
func (q *queue) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		task, wait := q.next()
		if task != nil {
			task()
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// next is what is due, or how long nothing is.
func (q *queue) next() (func(), time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.due) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(q.due[0].at); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&q.due).(dueTask).run, 0
}

type dueHeap []dueTask

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(dueTask)) }

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = dueTask{}
	*h = old[:len(old)-1]
	return last
}
