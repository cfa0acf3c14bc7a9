// Umbrella of the C kernels: everything Swift sees.
#ifndef CKERNELS_H
#define CKERNELS_H
#include "ck_files.h"
#include "ck_sha256.h"
#endif
