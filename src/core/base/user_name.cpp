#include "core/base/user_name.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace pitr {

std::optional<std::string> NameOfUser(uid_t user) {
  std::array<char, 4096> buffer;
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return entry.pw_name;
}

std::string DescribeUser(uid_t user) {
  const auto name = NameOfUser(user);
  return name ? "\"" + *name + "\"" : "of number " + std::to_string(user);
}

std::string DescribeOwner(const std::string& it, uid_t owner) {
  return it + " belongs to user " + DescribeUser(owner) + ", and this is user " + DescribeUser(geteuid()) + ".";
}

}  // namespace pitr
