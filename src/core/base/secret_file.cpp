#include "core/base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "core/base/ascii.h"
#include "core/base/error_text.h"
#include "core/base/kdf.h"
#include "core/base/unique_fd.h"
#include "core/base/unreadable_file.h"

namespace pitr {
namespace {

// Room for the secret, a line end, and one byte more that shows it is too long.
using Buffer = std::array<char, kMaxSecretBytes + 3>;

struct WipedBuffer {
  Buffer bytes;
  size_t size = 0;
  ~WipedBuffer() { Wipe({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}); }
};

Status ReadAll(int fd, WipedBuffer& buffer, const std::string& name) {
  while (buffer.size < buffer.bytes.size()) {
    const ssize_t n = read(fd, buffer.bytes.data() + buffer.size, buffer.bytes.size() - buffer.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return {Code::kInvalidArgument, "could not read " + name + ": " + ErrorText(errno)};
    if (n == 0) break;
    buffer.size += static_cast<size_t>(n);
  }
  return Status::Ok();
}

Status CheckMode(const struct stat& info, const std::string& name, const std::string& path) {
  if (!S_ISREG(info.st_mode)) return {Code::kInvalidArgument, name + " is not a regular file"};
  const bool by_root = info.st_uid == 0;
  const mode_t forbidden = by_root ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((info.st_mode & forbidden) == 0) return Status::Ok();
  return Status(Code::kPermission, name + " has group or world access")
      .WithHint("Run: chmod 0600 " + path + " (0640 will do when the owner is root).");
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : text_(other.text_.data(), other.text_.size()) { Wipe(other.text_); }
Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe(text_);
  text_.assign(other.text_);
  Wipe(other.text_);
  return *this;
}
Secret::~Secret() { Wipe(text_); }

Result<Secret> ReadSecretFile(const std::string& path, std::string_view what) {
  const std::string name = std::string(what) + " \"" + path + "\"";
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return UnreadableFile(std::string(what), path, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0)
    return Status(Code::kInvalidArgument, "could not stat " + name + ": " + ErrorText(errno));
  PITR_TRY(CheckMode(info, name, path));
  WipedBuffer buffer;
  PITR_TRY(ReadAll(fd.get(), buffer, name));
  std::string_view line(buffer.bytes.data(), buffer.size);
  if (line.starts_with(kByteOrderMark))
    return Status(Code::kInvalidArgument, name + " begins with a byte order mark")
        .WithHint("It would be a part of the secret. Save the file as plain UTF-8, without the mark.");
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > kMaxSecretBytes)
    return Status(Code::kInvalidArgument, name + " is longer than " + std::to_string(kMaxSecretBytes) + " bytes");
  if (line.empty())
    return Status(Code::kInvalidArgument, name + " is empty").WithHint("Write the secret into its first line.");
  if (line.find('\n') != std::string_view::npos || line.find('\0') != std::string_view::npos)
    return Status(Code::kInvalidArgument, name + " has more than one line")
        .WithHint("It must hold the secret and nothing else.");
  return Secret(line);
}

}  // namespace pitr
