// SHA-256 compression (FIPS 180-4), with the processor's SHA instructions where it has them.
#ifndef CK_SHA256_H
#define CK_SHA256_H
#include <stddef.h>
#include <stdint.h>

/// Folds `blocks` blocks of 64 bytes at `data` into `state` (8 words).
void ck_sha256_blocks(uint32_t *state, const uint8_t *data, size_t blocks);

/// The same for two streams in step, which takes little longer than one where there are SHA instructions.
void ck_sha256_blocks_of_two(uint32_t *first, const uint8_t *first_data, uint32_t *second,
                             const uint8_t *second_data, size_t blocks);

#endif
