// What the system says of an errno value: "No such file or directory". Any thread, which strerror() is not everywhere.
#pragma once
#include <string>

namespace pitr {

std::string ErrorText(int error);

}  // namespace pitr
