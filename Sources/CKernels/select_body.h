// The kernels of ck_select.c, once per instruction set.

CK_INLINE int CK_(lanes_sum)(i16 v) {
  int32_t x[16];
  memcpy(x, &v, sizeof v);
  int sum = 0;
  for (int i = 0; i < 16; i++) sum += x[i];
  return sum;
}

/// How many of the scores are below t, at most 2³¹ of them.
static size_t CK_(below)(const float *scores, size_t n, float t) {
  const v16 limit = CK_(set)(t);
  i16 counts[4] = {{0}};
  size_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int j = 0; j < 4; j++) counts[j] -= (i16)(CK_(load)(scores + i + 16 * j) < limit);
  size_t sum = (size_t)CK_(lanes_sum)(counts[0] + counts[1] + counts[2] + counts[3]);
  for (; i < n; i++) sum += scores[i] < t;
  return sum;
}

/// Least and greatest score; 0 where one is NaN or infinite.
static int CK_(range)(float *least, float *greatest, const float *scores, size_t n) {
  v16 low = CK_(set)(INFINITY), high = CK_(set)(-INFINITY);
  i16 bad = {0};
  float a = INFINITY, b = -INFINITY;
  int odd = 0;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v16 v = CK_(load)(scores + i);
    low = CK_(pick)((i16)(v < low), v, low);
    high = CK_(pick)((i16)(v > high), v, high);
    bad |= (i16)((u16)v & 0x7fffffff) >= 0x7f800000;
  }
  for (; i < n; i++) {
    if (scores[i] < a) a = scores[i];
    if (scores[i] > b) b = scores[i];
    odd |= !(fabsf(scores[i]) <= FLT_MAX);
  }
  for (int j = 0; j < 16; j++) {
    if (low[j] < a) a = low[j];
    if (high[j] > b) b = high[j];
    odd |= bad[j];
  }
  *least = a;
  *greatest = b;
  return !odd;
}

/// How many of the scores are below each of two limits, in one pass.
static void CK_(below_two)(size_t *counts, const float *scores, size_t n, float a, float b) {
  const v16 first = CK_(set)(a), second = CK_(set)(b);
  i16 firsts[2] = {{0}}, seconds[2] = {{0}};
  size_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (int j = 0; j < 2; j++) {
      const v16 v = CK_(load)(scores + i + 16 * j);
      firsts[j] -= (i16)(v < first);
      seconds[j] -= (i16)(v < second);
    }
  counts[0] = (size_t)CK_(lanes_sum)(firsts[0] + firsts[1]);
  counts[1] = (size_t)CK_(lanes_sum)(seconds[0] + seconds[1]);
  for (; i < n; i++) {
    counts[0] += scores[i] < a;
    counts[1] += scores[i] < b;
  }
}

CK_INLINE uint64_t CK_(bits64)(const float *scores, v16 limit, int equal) {
  uint64_t word = 0;
  for (int j = 0; j < 4; j++) {
    const v16 v = CK_(load)(scores + 16 * j);
    const i16 test = equal ? (i16)(v == limit) : (i16)(v >= limit);
    word |= (uint64_t)__builtin_bit_cast(uint16_t, __builtin_convertvector(test, bits16)) << (16 * j);
  }
  return word;
}

/// The scores in [low, high) in their order, at most CK_FEW of them; how many.
static size_t CK_(gather)(float *few, const float *scores, size_t n, float low, float high) {
  const v16 from = CK_(set)(low), to = CK_(set)(high);
  size_t count = 0, i = 0;
  for (; i + 64 <= n; i += 64) {
    uint64_t bits = CK_(bits64)(scores + i, from, 0) & ~CK_(bits64)(scores + i, to, 0);
    for (; bits; bits &= bits - 1) few[count++] = scores[i + (size_t)__builtin_ctzll(bits)];
  }
  for (; i < n; i++)
    if (scores[i] >= low && scores[i] < high) few[count++] = scores[i];
  return count;
}

static ck_cut CK_(find_cut)(const float *scores, size_t n, size_t taken) {
  ck_cut cut = {-INFINITY, 0, 1};
  float least, greatest;
  cut.finite = CK_(range)(&least, &greatest, scores, n);
  if (!cut.finite || taken == 0) return cut;
  if (taken >= n) {
    cut.threshold = INFINITY;
    return cut;
  }
  // `before` scores lie below `low`, at most `taken`; `end` lie below `high`, more.
  uint32_t low = place(least), high = place(greatest) + 1, a, b;
  size_t before = 0, end = n;
  int halved = 1;
  if (n > 8 * CK_SAMPLE) sample_limits(&a, &b, scores, n, taken);
  else a = b = low;
  while (end - before > CK_FEW && high - low > 1) {
    if (!halved) {
      // Thirds of the places always come to an end, in 21 passes.
      const uint32_t third = (high - low) / 3;
      a = low + third;
      b = high - third;
    } else if (a <= low || b >= high || a > b) {
      // Between the limits as if the scores lay evenly, to both sides of the one that is sought.
      const float from = number(low), width = number(high - 1) - from;
      const float each = width / (float)(end - before), rank = (float)(taken - before);
      a = place(from + (rank - CK_FEW / 3) * each);
      b = place(from + (rank + CK_FEW / 3) * each);
    }
    a = a <= low ? low + 1 : a >= high ? high - 1 : a;
    b = b < a ? a : b >= high ? high - 1 : b;
    size_t counts[2];
    CK_(below_two)(counts, scores, n, number(a), number(b));
    const size_t population = end - before;
    if (counts[1] <= taken) {
      low = b;
      before = counts[1];
    } else {
      high = b;
      end = counts[1];
      if (counts[0] <= taken) {
        low = a;
        before = counts[0];
      } else {
        high = a;
        end = counts[0];
      }
    }
    halved = 2 * (end - before) <= population;
    a = b = low;
  }
  cut.threshold = number(low);
  cut.ties = taken - before;
  if (high - low > 1) {
    float few[CK_FEW];
    const size_t count = CK_(gather)(few, scores, n, number(low), number(high));
    sort(few, count);
    const size_t rank = taken - before;
    cut.threshold = few[rank];
    for (cut.ties = 0; cut.ties < rank && few[rank - 1 - cut.ties] == few[rank];) cut.ties++;
  }
  return cut;
}

static size_t CK_(write_mask)(uint64_t *words, const float *scores, size_t n, float t, size_t ties) {
  const v16 limit = CK_(set)(t);
  for (size_t i = 0; i < n; i += 64) {
    uint64_t kept = 0, equal = 0;
    if (n - i >= 64) {
      kept = CK_(bits64)(scores + i, limit, 0);
      if (ties) equal = CK_(bits64)(scores + i, limit, 1);
    } else {
      for (size_t j = 0; j < n - i; j++) {
        kept |= (uint64_t)(scores[i + j] >= t) << j;
        equal |= (uint64_t)(scores[i + j] == t) << j;
      }
    }
    for (; ties && equal; ties--) {
      kept &= ~(equal & -equal);
      equal &= equal - 1;
    }
    words[i / 64] = kept;
  }
  return ties;
}

static void CK_(absolute)(float *out, const float *from, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = fabsf(from[i]);
}

static size_t CK_(equal_to)(const float *scores, size_t n, float t) {
  const v16 limit = CK_(set)(t);
  i16 counts = {0};
  size_t i = 0;
  for (; i + 16 <= n; i += 16) counts -= (i16)(CK_(load)(scores + i) == limit);
  size_t sum = (size_t)CK_(lanes_sum)(counts);
  for (; i < n; i++) sum += scores[i] == t;
  return sum;
}

/// The elements of one stored line, 16 or 32 bits each, made 0 where their bit is 0; how many are then ±0.
static size_t CK_(clear_16)(uint16_t *line, const uint64_t *bits, size_t n) {
  const h16 lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  size_t zeros = 0, i = 0;
  while (i + 16 <= n) {
    // A lane counts to 65,535.
    const size_t stop = n - i < CK_LANE_FULL ? n : i + CK_LANE_FULL;
    h16 counts = {0};
    for (; i + 16 <= stop; i += 16) {
      const h16 own = (h16){0} + (uint16_t)(bits[i >> 6] >> (i & 63));
      h16 v;
      memcpy(&v, line + i, sizeof v);
      v &= (h16)((own & lane) == lane);
      memcpy(line + i, &v, sizeof v);
      counts -= (h16)((v & 0x7fff) == 0);
    }
    for (int j = 0; j < 16; j++) zeros += counts[j];
  }
  for (; i < n; i++) {
    if (!(bits[i >> 6] >> (i & 63) & 1)) line[i] = 0;
    zeros += (line[i] & 0x7fff) == 0;
  }
  return zeros;
}

static size_t CK_(clear_32)(uint32_t *line, const uint64_t *bits, size_t n) {
  const u16 lane = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  size_t zeros = 0, i = 0;
  i16 counts = {0};
  for (; i + 16 <= n; i += 16) {
    const u16 own = (u16){0} + (uint32_t)(bits[i >> 6] >> (i & 63));
    u16 v;
    memcpy(&v, line + i, sizeof v);
    v &= (u16)((own & lane) == lane);
    memcpy(line + i, &v, sizeof v);
    counts -= (i16)((v & 0x7fffffff) == 0);
  }
  zeros = (size_t)CK_(lanes_sum)(counts);
  for (; i < n; i++) {
    if (!(bits[i >> 6] >> (i & 63) & 1)) line[i] = 0;
    zeros += (line[i] & 0x7fffffff) == 0;
  }
  return zeros;
}
