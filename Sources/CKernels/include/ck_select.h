// Exact selection of the smallest of many scores: histograms of their order, thresholds of rows, bit masks.
//
// The order of f32 as unsigned integers: the bits of a number that is not negative with the top bit set, all bits of
// a negative one inverted; -0 counts as +0. Counts are integers, so no result depends on how the work is cut.
#ifndef CK_SELECT_H
#define CK_SELECT_H
#include <stddef.h>
#include <stdint.h>

/// counts[32768] += how often each magnitude occurs among n 16-bit floats: their bits without the sign.
void ck_count_magnitudes(uint32_t *counts, const uint16_t *x, size_t n);

/// out[n] = |from[n]| as f32.
void ck_absolute(float *out, const float *from, size_t n);

/// counts[65536] += the upper halves of the n scores' places in the order.
void ck_count_upper(uint32_t *counts, const float *scores, size_t n);

/// counts[65536] += the lower halves of those whose upper half is `upper`.
void ck_count_lower(uint32_t *counts, const float *scores, size_t n, uint32_t upper);

/// Where the smallest scores end.
typedef struct {
  float threshold;  ///< all scores below it, and
  size_t ties;      ///< so many of those equal to it, the first ones
  int finite;       ///< 0 where a score is NaN or infinite; then the rest means nothing
} ck_cut;

/// The cut that takes `taken` (0 ... n) of n scores; its threshold is the score of that rank. Reads them some five times
/// (21 + 2 log2 n at worst), so they should lie in the cache.
ck_cut ck_find_cut(const float *scores, size_t n, size_t taken);

/// words[(n + 63) / 64] = a bit a score, lowest first: 0 for those the cut takes, 1 for the others; bits past n are 0.
/// Returns the ties that later scores still have to give.
size_t ck_write_mask(uint64_t *words, const float *scores, size_t n, float threshold, size_t ties);

/// How many scores lie below the threshold; `equal` gets how many equal it.
size_t ck_count_below(size_t *equal, const float *scores, size_t n, float threshold);

/// The n stored elements of a line made 0 where their bit is 0 (lowest bit first); how many are then +0 or -0.
size_t ck_clear_16(uint16_t *line, const uint64_t *bits, size_t n);
size_t ck_clear_32(uint32_t *line, const uint64_t *bits, size_t n);

#endif
