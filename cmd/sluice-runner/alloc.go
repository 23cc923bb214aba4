package main

/*
#include <malloc.h>

// Memory grows in few large steps and is given back by the end of the process: inside a sandbox each change of the
// address space costs far more than it does outside, and a runner lives for one verb.
__attribute__((constructor)) static void grow_seldom(void) {
	mallopt(M_TOP_PAD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}
*/
import "C"
