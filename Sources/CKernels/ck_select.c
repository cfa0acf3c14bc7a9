#include "ck_select.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "vector_types.h"

typedef _Bool bits16 __attribute__((ext_vector_type(16)));

/// A number's place in the order.
static inline uint32_t place(float x) {
  uint32_t bits;
  x += 0.0f;  // -0 becomes +0
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

/// The number at a place.
static inline float number(uint32_t place) {
  uint32_t bits = place & 0x80000000u ? place ^ 0x80000000u : ~place;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/// So many scores are sorted instead of counted once more.
#define CK_FEW 96
/// So many scores of a long row say where to look first.
#define CK_SAMPLE 32
/// Elements after which 16 counters of 16 bits may be full.
#define CK_LANE_FULL (65535 * 16)

static inline void sort(float *x, size_t n) {
  for (size_t i = 1; i < n; i++) {
    const float own = x[i];
    size_t j = i;
    for (; j > 0 && x[j - 1] > own; j--) x[j] = x[j - 1];
    x[j] = own;
  }
}

/// Two places between which the sought score probably lies: two standard errors of the sample's quantile about it.
static inline void sample_limits(uint32_t *a, uint32_t *b, const float *scores, size_t n, size_t taken) {
  float sample[CK_SAMPLE];
  for (size_t i = 0; i < CK_SAMPLE; i++) sample[i] = scores[i * n / CK_SAMPLE];
  sort(sample, CK_SAMPLE);
  const float share = (float)taken / (float)n;
  const float margin = 2 * sqrtf(share * (1 - share) * CK_SAMPLE) + 1;
  const float first = share * CK_SAMPLE - margin, last = share * CK_SAMPLE + margin;
  *a = first < 0 ? 0 : place(sample[(size_t)first]);
  *b = last > CK_SAMPLE - 1 ? UINT32_MAX : place(sample[(size_t)last]);
}

#define CK_BODY "select_body.h"
#include "each_isa.h"

// Histograms are chains of loads and stores that no vector instruction helps; four numbers a step from one load.

void ck_count_magnitudes(uint32_t *counts, const uint16_t *x, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    uint64_t four;
    memcpy(&four, x + i, sizeof four);
    counts[four & 0x7fff]++;
    counts[(four >> 16) & 0x7fff]++;
    counts[(four >> 32) & 0x7fff]++;
    counts[(four >> 48) & 0x7fff]++;
  }
  for (; i < n; i++) counts[x[i] & 0x7fff]++;
}

void ck_count_upper(uint32_t *counts, const float *scores, size_t n) {
  for (size_t i = 0; i < n; i++) counts[place(scores[i]) >> 16]++;
}

void ck_count_lower(uint32_t *counts, const float *scores, size_t n, uint32_t upper) {
  for (size_t i = 0; i < n; i++) {
    const uint32_t at = place(scores[i]);
    if (at >> 16 == upper) counts[at & 0xffff]++;
  }
}

void ck_absolute(float *out, const float *from, size_t n) { CK_CALL(absolute, out, from, n); }

ck_cut ck_find_cut(const float *scores, size_t n, size_t taken) { return CK_CALL(find_cut, scores, n, taken); }

size_t ck_write_mask(uint64_t *words, const float *scores, size_t n, float threshold, size_t ties) {
  return CK_CALL(write_mask, words, scores, n, threshold, ties);
}

size_t ck_count_below(size_t *equal, const float *scores, size_t n, float threshold) {
  *equal = CK_CALL(equal_to, scores, n, threshold);
  return CK_CALL(below, scores, n, threshold);
}

size_t ck_clear_16(uint16_t *line, const uint64_t *bits, size_t n) { return CK_CALL(clear_16, line, bits, n); }

size_t ck_clear_32(uint32_t *line, const uint64_t *bits, size_t n) { return CK_CALL(clear_32, line, bits, n); }
