// All metrics.
#pragma once

#include "nn/metrics/auroc.h"
#include "nn/metrics/confusion.h"
#include "nn/metrics/mean.h"
#include "nn/metrics/scores.h"
