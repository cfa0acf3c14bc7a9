// Statistics of weight rows read in place, in f64: products with a direction, squared lengths, squared differences.
//
// Every element counts as the f64 of its value; products and sums are f64, in 16 lanes and one tree. Products of two
// f32 values are exact in f64, so that it does not matter whether a processor fuses them with the sum.
#ifndef CK_ROWS_H
#define CK_ROWS_H
#include <stddef.h>
#include <stdint.h>

#include "ck_linear.h"

/// dots[N] = W[N, K] · direction[K] and squares[N] = |row|². Either result may be NULL. `direction` holds f32 values as f64.
/// With `w.transposed` the rows of the logical W [N, K] are the stored columns.
void ck_dot_rows(double *dots, double *squares, ck_matrix w, const double *direction, size_t N, size_t K);

/// The same for the rows with column k multiplied by gain[k] and rounded to f32; `stored_squares[N]` gets the squared
/// lengths of the rows as they are stored. No result may be NULL.
void ck_dot_rows_gained(double *dots, double *squares, double *stored_squares, ck_matrix w, const float *gain,
                        const double *direction, size_t N, size_t K);

/// Σ (a - b)² and, where the pointers are not NULL, Σ a², Σ b², over n f32 numbers.
double ck_squared_error(double *a_square, double *b_square, const float *a, const float *b, size_t n);

#endif
