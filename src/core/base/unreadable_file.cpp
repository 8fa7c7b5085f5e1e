#include "core/base/unreadable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/error_text.h"
#include "core/base/shell_word.h"
#include "core/base/unique_fd.h"
#include "core/base/user_name.h"

namespace pitr {
namespace {

// The first directory above `path` that keeps this user out, or `path`.
std::string WhatKeepsOut(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (faccessat(AT_FDCWD, directory.c_str(), X_OK, AT_EACCESS) != 0) return directory;
  }
  return path;
}

std::string WhoMay(const std::string& path) {
  const std::string closed = WhatKeepsOut(path);
  struct stat info {};
  if (stat(closed.c_str(), &info) != 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
  std::string text = closed == path ? "It" : "Directory \"" + closed + "\"";
  // To whom it belongs already no other user is of any help.
  if (info.st_uid == geteuid())
    return text + " belongs to this user, and has mode " + mode + ": chmod " +
           (S_ISDIR(info.st_mode) ? "u+rwx " : "u+r ") + ShellWord(closed) + ".";
  text += " belongs to user " + DescribeUser(info.st_uid) + " and has mode " + mode + ". Run this as that user";
  if (const auto name = NameOfUser(info.st_uid)) text += " (sudo -u " + *name + " ...)";
  return text + ", or let user " + DescribeUser(geteuid()) + " read it (chown, chmod).";
}

}  // namespace

Status UnreadableFile(const std::string& what, const std::string& path, int error) {
  const std::string name = what + " \"" + path + "\"";
  if (error == EACCES || error == EPERM)
    return Status(Code::kPermission,
                  name + " cannot be read by user " + DescribeUser(geteuid()) + ": " + ErrorText(error))
        .WithHint(WhoMay(path));
  if (error == ENOENT || error == ENOTDIR)
    return Status(Code::kInvalidArgument, name + " does not exist").WithHint("Make it, or correct the name.");
  return {Code::kInvalidArgument, "could not open " + name + ": " + ErrorText(error)};
}

Status CheckReadable(const std::string& what, const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return fd.ok() ? Status::Ok() : UnreadableFile(what, path, errno);
}

}  // namespace pitr
