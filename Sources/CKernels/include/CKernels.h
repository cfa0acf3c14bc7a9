// Umbrella of the C kernels: everything Swift sees.
#ifndef CKERNELS_H
#define CKERNELS_H
#include "ck_files.h"
#include "ck_gemm.h"
#include "ck_activation.h"
#include "ck_attention.h"
#include "ck_batch_norm.h"
#include "ck_conv.h"
#include "ck_convert.h"
#include "ck_isa.h"
#include "ck_linear.h"
#include "ck_linear_bf16.h"
#include "ck_norm.h"
#include "ck_peak.h"
#include "ck_pool.h"
#include "ck_rotary.h"
#include "ck_rows.h"
#include "ck_select.h"
#include "ck_sha256.h"
#include "ck_softmax.h"
#endif
