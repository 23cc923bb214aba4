package main

/*
#include <malloc.h>

// A runner lives for one verb inside a sandbox, where a system call costs many times what it does outside.

// Memory grows in few large steps and is given back by the end of the process.
__attribute__((constructor)) static void grow_seldom(void) {
	mallopt(M_TOP_PAD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

// The engine asks for the processor at every allocation, to choose among counters it keeps for each. The sandbox
// answers by a system call; any one counter is as right, and there is one processor.
int sched_getcpu(void) { return 0; }
*/
import "C"
