// The one thread pool of the process: loops over ranges, shared by all kernels.
#ifndef CK_POOL_H
#define CK_POOL_H
#include <stddef.h>

/// Does the items `begin ..< end` of a loop.
typedef void (*ck_task)(void *context, size_t begin, size_t end) __attribute__((swift_attr("@Sendable")));

/// Calls `task` for ranges that tile 0 ..< count, on up to `ck_threads()` threads, and returns when all are done.
///
/// Ranges are whole multiples of `grain` items (but the last), chosen from count and grain alone, never from the
/// number of threads. Runs inline when there is one range, when called from inside a task, or while another thread
/// uses the pool.
void ck_parallel_for(size_t count, size_t grain, ck_task task, void *context);

/// Threads that loops use, the caller included.
int ck_threads(void);

/// Sets the number of threads, 1 ... processors. Not while loops run.
void ck_set_threads(int count);

/// Processors this process may use.
int ck_processors(void);

#endif
