// Small files of our own beside the store: what a data directory or an operator keeps.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

// Puts a file with this content, mode 0600, in the place of what is at `path`; durable when ok, and until then what was
// there stays. Several processes may do so at once: one of them is the last. FileError.
Status WriteDurableFile(const std::string& path, std::string_view content);

}  // namespace pitr
