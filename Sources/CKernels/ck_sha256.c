#include "ck_sha256.h"

#include <string.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

static inline uint32_t big_endian(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void blocks_portable(uint32_t *state, const uint8_t *data, size_t blocks) {
  for (; blocks > 0; blocks--, data += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = big_endian(data + 4 * i);
    for (int i = 16; i < 64; i++) {
      uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
      uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
      uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                    round_constants[i] + w[i];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/// The instructions want a state as ABEF and CDGH.
SHA_TARGET static inline void load_state(__m128i *abef, __m128i *cdgh, const uint32_t *state) {
  const __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  const __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  *abef = _mm_alignr_epi8(low, high, 8);
  *cdgh = _mm_blend_epi16(high, low, 0xF0);
}

SHA_TARGET static inline void store_state(uint32_t *state, __m128i abef, __m128i cdgh) {
  const __m128i low = _mm_shuffle_epi32(abef, 0x1B);
  const __m128i high = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

/// Blocks of `streams` (1 or 2) independent streams in step. The rounds of one stream are a chain of dependent
/// instructions that leaves half of the unit idle; those of a second stream fit in between.
SHA_TARGET __attribute__((always_inline)) static inline void blocks_sha_ni(uint32_t *const *states,
                                                                           const uint8_t *const *data,
                                                                           size_t blocks, const int streams) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i abef[2], cdgh[2];
  for (int s = 0; s < streams; s++) load_state(&abef[s], &cdgh[s], states[s]);
  for (size_t block = 0; block < blocks; block++) {
    __m128i abef_before[2], cdgh_before[2], w[2][4];
#pragma clang loop unroll(full)
    for (int s = 0; s < streams; s++) {
      abef_before[s] = abef[s], cdgh_before[s] = cdgh[s];
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++)
        w[s][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data[s] + 64 * block + 16 * i)), swap);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      const __m128i k = _mm_loadu_si128((const __m128i *)(round_constants + 4 * i));
#pragma clang loop unroll(full)
      for (int s = 0; s < streams; s++) {
        const __m128i sum = _mm_add_epi32(w[s][i & 3], k);
        cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], sum);
        abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(sum, 0x0E));
        if (i < 12) {  // the four words that come sixteen later
          __m128i next = _mm_sha256msg1_epu32(w[s][i & 3], w[s][(i + 1) & 3]);
          next = _mm_add_epi32(next, _mm_alignr_epi8(w[s][(i + 3) & 3], w[s][(i + 2) & 3], 4));
          w[s][i & 3] = _mm_sha256msg2_epu32(next, w[s][(i + 3) & 3]);
        }
      }
    }
#pragma clang loop unroll(full)
    for (int s = 0; s < streams; s++) {
      abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
      cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
    }
  }
  for (int s = 0; s < streams; s++) store_state(states[s], abef[s], cdgh[s]);
}

SHA_TARGET static void one_sha_ni(uint32_t *state, const uint8_t *data, size_t blocks) {
  blocks_sha_ni(&state, &data, blocks, 1);
}

SHA_TARGET static void two_sha_ni(uint32_t *const *states, const uint8_t *const *data, size_t blocks) {
  blocks_sha_ni(states, data, blocks, 2);
}

static int has_sha_ni(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
}

static int uses_sha_ni(void) {
  static _Atomic int kind;  // 0 not asked yet, 1 portable, 2 SHA instructions
  if (kind == 0) kind = has_sha_ni() ? 2 : 1;
  return kind == 2;
}
#endif

void ck_sha256_blocks(uint32_t *state, const uint8_t *data, size_t blocks) {
#if defined(__x86_64__)
  if (uses_sha_ni()) {
    one_sha_ni(state, data, blocks);
    return;
  }
#endif
  blocks_portable(state, data, blocks);
}

void ck_sha256_blocks_of_two(uint32_t *first, const uint8_t *first_data, uint32_t *second,
                             const uint8_t *second_data, size_t blocks) {
#if defined(__x86_64__)
  if (uses_sha_ni()) {
    two_sha_ni((uint32_t *const[]){first, second}, (const uint8_t *const[]){first_data, second_data}, blocks);
    return;
  }
#endif
  blocks_portable(first, first_data, blocks);
  blocks_portable(second, second_data, blocks);
}
