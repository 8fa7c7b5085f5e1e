// Users of the operating system, for messages that people read.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace pitr {

// nullopt when the machine knows none of this number, as in a container.
std::optional<std::string> NameOfUser(uid_t user);

// `"postgres"`, or "of number 101": to go on after "user".
std::string DescribeUser(uid_t user);

// `It belongs to user "root", and this is user "postgres".`: why something of `owner` is refused. `it` begins the
// sentence.
std::string DescribeOwner(const std::string& it, uid_t owner);

}  // namespace pitr
