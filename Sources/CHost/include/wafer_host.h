// What Linux offers and Swift's Glibc module does not show: it is behind _GNU_SOURCE.
#ifndef WAFER_HOST_H
#define WAFER_HOST_H

#include <stdbool.h>

// Processors that the calling thread may run on.
int wafer_allowed_processors(void);

// Keeps the calling thread on the `index`-th of the processors that it may run on. Returns whether it is so
// now: not where there are fewer, or the system refuses.
bool wafer_pin_thread(int index);

#endif
