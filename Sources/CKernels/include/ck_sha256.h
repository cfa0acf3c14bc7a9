// SHA-256 compression (FIPS 180-4), with the processor's SHA instructions where it has them.
#ifndef CK_SHA256_H
#define CK_SHA256_H
#include <stddef.h>
#include <stdint.h>

/// Folds `blocks` blocks of 64 bytes at `data` into `state` (8 words).
void ck_sha256_blocks(uint32_t *state, const uint8_t *data, size_t blocks);

#endif
