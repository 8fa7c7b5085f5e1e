// See credentials_file.h.
#include "core/store/credentials_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "core/base/ascii.h"
#include "core/base/error_text.h"
#include "core/base/unreadable_file.h"

namespace pitr {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// What tells one state of a file from another.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = -1;
  int64_t changed_nanos = 0;
  bool operator==(const FileIdentity&) const = default;
};

FileIdentity IdentityOf(const struct stat& st) {
  return {st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec * int64_t{1000000000} + st.st_mtim.tv_nsec};
}

class FileSource final : public CredentialSource {
 public:
  FileSource(std::string path, std::string profile, bool strict, bool required)
      : path_(std::move(path)), profile_(std::move(profile)), strict_(strict), required_(required) {}

  std::string Name() const override {
    return (strict_ ? "file \"" : "shared AWS file \"") + path_ + "\"" +
           (profile_.empty() ? "" : " profile " + profile_);
  }

  Result<AwsCredentials> Load(const OpContext&) override {
    if (path_.empty()) return Status(required_ ? Code::kPermission : Code::kNotFound, "there is no home directory");
    PITR_ASSIGN(std::string text, Read());
    auto parsed = ParseCredentialsFile(text, profile_.empty() ? "default" : profile_);
    if (parsed.ok() || (parsed.code() == Code::kNotFound && !required_)) return parsed;
    return Status(Code::kPermission, parsed.status().message());
  }

  bool Changed() const override {
    struct stat st {};
    return stat(path_.c_str(), &st) == 0 && !(IdentityOf(st) == identity_);
  }

 private:
  Result<std::string> Read() {
    int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      bool absent = errno == ENOENT || errno == ENOTDIR;
      // A shared file that this user may not even look for is as good as none.
      if (!required_ && (absent || errno == EACCES)) return Status(Code::kNotFound, ErrorText(errno));
      const Status status = UnreadableFile("credentials file", path_, errno);
      return Status(Code::kPermission, status.message()).WithHint(status.hint());
    }
    auto text = ReadOpen(fd);
    close(fd);
    return text;
  }

  Result<std::string> ReadOpen(int fd) {
    struct stat st {};
    if (fstat(fd, &st) != 0) return Status(Code::kPermission, std::string("could not examine it: ") + ErrorText(errno));
    if (!S_ISREG(st.st_mode)) return Status(Code::kPermission, "it is not a regular file");
    if (strict_ && (st.st_mode & 0037) != 0)
      return Status(Code::kPermission, "file is accessible to others")
          .WithHint("It holds a secret: run chmod 600 (or 640) on it.");
    if (static_cast<size_t>(st.st_size) > kMaxCredentialsFileBytes) return Status(Code::kPermission, "it is too large");
    std::string text(static_cast<size_t>(st.st_size), '\0');
    size_t have = 0;
    while (have < text.size()) {
      ssize_t n = read(fd, text.data() + have, text.size() - have);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Status(Code::kPermission, std::string("could not read it: ") + ErrorText(errno));
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    text.resize(have);
    identity_ = IdentityOf(st);
    return text;
  }

  const std::string path_;
  const std::string profile_;
  const bool strict_;
  const bool required_;
  FileIdentity identity_;
};

// Puts `value` where `name` says; other names (region, output, role_arn, ...) are not ours.
void Assign(std::string_view name, std::string_view value, AwsCredentials* to) {
  if (name.starts_with("aws_")) name.remove_prefix(4);
  if (name == "access_key_id") to->access_key_id = value;
  if (name == "secret_access_key") to->secret_access_key = value;
  if (name == "session_token") to->session_token = value;
}

bool Empty(const AwsCredentials& c) { return c.access_key_id.empty() && c.secret_access_key.empty(); }

}  // namespace

Result<AwsCredentials> ParseCredentialsFile(std::string_view text, std::string_view profile) {
  if (text.starts_with(kByteOrderMark))
    return Status(Code::kInvalidArgument, "it begins with a byte order mark; save it as plain UTF-8, without the mark");
  AwsCredentials outside;
  AwsCredentials inside;
  AwsCredentials ignored;
  AwsCredentials* section = &outside;
  bool found = false;
  for (int line_number = 1; !text.empty(); line_number++) {
    size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    std::string at_line = "line " + std::to_string(line_number);
    if (line.front() == '[') {
      if (line.back() != ']') return Status(Code::kInvalidArgument, at_line + ": section without ]");
      bool wanted = Trim(line.substr(1, line.size() - 2)) == profile;
      section = wanted ? &inside : &ignored;
      found = found || wanted;
      continue;
    }
    size_t equals = line.find('=');
    if (equals == line.npos) return Status(Code::kInvalidArgument, at_line + ": expected name = value");
    std::string_view value = Trim(line.substr(equals + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    for (char c : value)
      if (static_cast<unsigned char>(c) < 0x20)
        return Status(Code::kInvalidArgument, at_line + ": control character in value");
    Assign(Trim(line.substr(0, equals)), value, section);
  }
  const AwsCredentials& chosen = found ? inside : outside;
  if (!found && Empty(outside))
    return Status(Code::kNotFound, "it has no profile \"" + std::string(profile) + "\" and no keys outside profiles");
  const char* lacking = chosen.access_key_id.empty()       ? "access_key_id"
                        : chosen.secret_access_key.empty() ? "secret_access_key"
                                                           : nullptr;
  if (lacking == nullptr) return chosen;
  return Status(Code::kInvalidArgument, std::string(lacking) + " is missing")
      .WithHint("It is written as a line: " + std::string(lacking) + " = ... Is the name mistyped?");
}

std::unique_ptr<CredentialSource> MakeCredentialsFileSource(const std::string& path, const std::string& profile) {
  return std::make_unique<FileSource>(path, profile, /*strict=*/true, /*required=*/true);
}

std::unique_ptr<CredentialSource> MakeSharedProfileSource(const CredentialsConfig& config, bool required) {
  std::string path = config.environment("AWS_SHARED_CREDENTIALS_FILE").value_or("");
  if (path.empty()) {
    std::string home = config.environment("HOME").value_or("");
    if (!home.empty()) path = home + "/.aws/credentials";
  }
  std::string profile = config.profile.empty() ? config.environment("AWS_PROFILE").value_or("") : config.profile;
  return std::make_unique<FileSource>(path, profile, /*strict=*/false, required);
}

}  // namespace pitr
