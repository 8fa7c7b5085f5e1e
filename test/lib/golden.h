// Loads recorded samples from test/golden; those named *.zst are decompressed.
#pragma once
#include <string>

#include "core/base/bytes.h"

namespace pitr {

// The folder test/golden of this checkout.
std::string GoldenDirectory();

// Fails the test and returns nothing when the sample is missing or damaged.
Bytes LoadGolden(const std::string& name);

}  // namespace pitr
