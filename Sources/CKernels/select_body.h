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

static ck_cut CK_(find_cut)(const float *scores, size_t n, size_t taken) {
  ck_cut cut = {-INFINITY, 0, 1};
  float least, greatest;
  cut.finite = CK_(range)(&least, &greatest, scores, n);
  if (!cut.finite || taken == 0) return cut;
  if (taken >= n) {
    cut.threshold = INFINITY;
    return cut;
  }
  // Below `low` lie at most `taken` scores, below `high` more.
  uint32_t low = place(least), high = place(greatest) + 1;
  size_t before = 0;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    const size_t count = CK_(below)(scores, n, number(middle));
    if (count > taken) {
      high = middle;
    } else {
      low = middle;
      before = count;
      if (count == taken) break;
    }
  }
  cut.threshold = number(low);
  cut.ties = taken - before;
  return cut;
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
