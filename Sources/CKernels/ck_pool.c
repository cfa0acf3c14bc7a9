// A pool of sleeping-then-spinning helpers. One loop at a time: the caller publishes it, helpers that are awake join,
// everybody takes ranges from one counter. The caller never waits for a helper that has not joined.
#define _GNU_SOURCE
#include "ck_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define MAX_HELPERS 255
#define MAX_RANGES 256
#define SPIN_NANOSECONDS 100000

static struct {
  // The loop at hand. Written only while `open` is 0 and `joined` is 0.
  ck_task task;
  void *context;
  size_t count, range, ranges;
  _Alignas(64) _Atomic size_t next;      // first range nobody took yet
  _Alignas(64) _Atomic int open;         // whether helpers may join
  _Alignas(64) _Atomic int joined;       // helpers inside the loop
  _Alignas(64) _Atomic unsigned serial;  // grows with every loop; helpers wait for it to change
  _Atomic int sleepers;
  _Atomic int wanted;   // threads, the caller included; 0 not set yet
  _Atomic int started;  // helpers that exist
  pthread_mutex_t user;   // one loop at a time
  pthread_mutex_t sleep;  // guards the two conditions
  pthread_cond_t wake, done;
} pool = {.user = PTHREAD_MUTEX_INITIALIZER,
          .sleep = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static _Thread_local int inside;  // this thread is in a task

static inline void rest(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void take_ranges(void) {
  inside = 1;
  for (;;) {
    size_t r = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
    if (r >= pool.ranges) break;
    size_t begin = r * pool.range;
    size_t end = begin + pool.range;
    pool.task(pool.context, begin, end < pool.count ? end : pool.count);
  }
  inside = 0;
}

static void *helper(void *argument) {
  const int index = (int)(intptr_t)argument;
  unsigned seen = 0;
  for (;;) {
    uint64_t start = 0;
    for (unsigned tries = 1; atomic_load(&pool.serial) == seen; tries++) {
      rest();
      if (tries % 64 != 0) continue;
      const uint64_t now = nanoseconds();
      if (start == 0) start = now;
      if (now - start < SPIN_NANOSECONDS && index + 1 < atomic_load(&pool.wanted)) continue;
      pthread_mutex_lock(&pool.sleep);
      atomic_fetch_add(&pool.sleepers, 1);
      while (atomic_load(&pool.serial) == seen) pthread_cond_wait(&pool.wake, &pool.sleep);
      atomic_fetch_sub(&pool.sleepers, 1);
      pthread_mutex_unlock(&pool.sleep);
    }
    seen = atomic_load(&pool.serial);
    if (index + 1 >= atomic_load(&pool.wanted)) continue;
    // Joining comes before looking whether the loop is open, and the caller closes before it looks who joined: one
    // of the two always sees the other.
    atomic_fetch_add(&pool.joined, 1);
    if (atomic_load(&pool.open)) take_ranges();
    if (atomic_fetch_sub(&pool.joined, 1) == 1) {
      pthread_mutex_lock(&pool.sleep);
      pthread_cond_signal(&pool.done);
      pthread_mutex_unlock(&pool.sleep);
    }
  }
  return NULL;
}

static void start_helpers(int count) {
  while (atomic_load(&pool.started) < count) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    const int failed =
        pthread_create(&thread, &attributes, helper, (void *)(intptr_t)atomic_load(&pool.started));
    pthread_attr_destroy(&attributes);
    if (failed) return;  // fewer threads, same results
    atomic_fetch_add(&pool.started, 1);
  }
}

int ck_processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return count > MAX_HELPERS ? MAX_HELPERS : count;
  }
#endif
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > MAX_HELPERS ? MAX_HELPERS : (int)count;
}

int ck_threads(void) {
  int count = atomic_load(&pool.wanted);
  if (count == 0) {
    count = ck_processors();
    atomic_store(&pool.wanted, count);
  }
  return count;
}

void ck_set_threads(int count) {
  const int most = ck_processors();
  atomic_store(&pool.wanted, count < 1 ? 1 : count > most ? most : count);
}

void ck_parallel_for(size_t count, size_t grain, ck_task task, void *context) {
  if (count == 0) return;
  if (grain == 0) grain = 1;
  const size_t grains = (count + grain - 1) / grain;
  const size_t range = grain * ((grains + MAX_RANGES - 1) / MAX_RANGES);
  const size_t ranges = (count + range - 1) / range;
  const int threads = ck_threads();
  if (ranges == 1 || threads == 1 || inside || pthread_mutex_trylock(&pool.user) != 0) {
    // The same ranges as with helpers, so that a task may use them as the units of its sums.
    for (size_t begin = 0; begin < count; begin += range)
      task(context, begin, begin + range < count ? begin + range : count);
    return;
  }
  start_helpers(threads - 1);
  pool.task = task;
  pool.context = context;
  pool.count = count;
  pool.range = range;
  pool.ranges = ranges;
  atomic_store(&pool.next, 0);
  atomic_store(&pool.open, 1);
  atomic_fetch_add(&pool.serial, 1);
  if (atomic_load(&pool.sleepers) > 0) {
    pthread_mutex_lock(&pool.sleep);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.sleep);
  }
  take_ranges();
  atomic_store(&pool.open, 0);
  uint64_t start = 0;
  for (unsigned tries = 1; atomic_load(&pool.joined) != 0; tries++) {
    rest();
    if (tries % 64 != 0) continue;
    const uint64_t now = nanoseconds();
    if (start == 0) start = now;
    if (now - start < SPIN_NANOSECONDS) continue;
    pthread_mutex_lock(&pool.sleep);
    while (atomic_load(&pool.joined) != 0) pthread_cond_wait(&pool.done, &pool.sleep);
    pthread_mutex_unlock(&pool.sleep);
  }
  pthread_mutex_unlock(&pool.user);
}
