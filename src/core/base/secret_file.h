// A secret kept in a file of its own: one line. Read, checked for who else may read it, and wiped after use.
// Its content never appears in a message.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

inline constexpr size_t kMaxSecretBytes = 4096;

// Owns a secret and wipes it on destruction. Never print it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();
  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

// The one line of `path`, without its line end. `what` names it in messages ("passphrase file").
// kInvalidArgument: missing, empty, more than one line, too long, not a regular file. kPermission: may not be read, or
// could be read by others: the mode must be 0600 or less, or 0640 or less when the owner is root.
Result<Secret> ReadSecretFile(const std::string& path, std::string_view what);

}  // namespace pitr
