#include "core/store/file_error.h"

#include <cerrno>

#include "core/base/error_text.h"

namespace pitr {

Status FileError(int error, const std::string& what) {
  std::string message = what + ": " + ErrorText(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return Status(Code::kUnavailable, message)
          .WithHint("Free some space, enlarge the file system or raise the quota.");
    case EACCES:
    case EPERM:
      return Status(Code::kPermission, message)
          .WithHint(
              "The operating system user that runs this program must be allowed to do that; owners and modes of the "
              "directories above count as well.");
    case EROFS:
      return Status(Code::kPermission, message).WithHint("The file system is mounted read-only.");
    case ENAMETOOLONG:
    case EFBIG:
    case ELOOP:
    case EXDEV:
    case EINVAL:
      return {Code::kInvalidArgument, message};
    default:
      return {Code::kUnavailable, message};
  }
}

}  // namespace pitr
