#include "wafer_kernels.h"
