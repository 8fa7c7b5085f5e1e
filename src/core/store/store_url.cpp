#include "core/store/store_url.h"

#include <string_view>

#include "core/base/ascii.h"

namespace pitr {
namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kS3Scheme = "s3://";

}  // namespace

Result<StoreUrl> ParseStoreUrl(const std::string& url, const std::string& what) {
  const auto bad = [&](const std::string& why, const char* hint) {
    return Status(Code::kInvalidArgument, what + " " + why).WithHint(hint);
  };
  if (url.empty()) return bad("is not set", "Set it to file:///absolute/path or s3://bucket/prefix.");
  StoreUrl named;
  if (url.starts_with(kFileScheme)) {
    named.directory = url.substr(kFileScheme.size());
    if (!named.directory.starts_with('/'))
      return bad("is not an absolute path: " + Quoted(url),
                 "A directory is written with three slashes: file:///absolute/path.");
    if (named.directory.find_first_not_of('/') == std::string::npos)
      return bad("is the root directory", "Give the repository a directory of its own.");
    return named;
  }
  if (!url.starts_with(kS3Scheme))
    return bad("is of no known kind: " + Quoted(url), "Use file:///absolute/path or s3://bucket/prefix.");
  std::string rest = url.substr(kS3Scheme.size());
  while (rest.ends_with('/')) rest.pop_back();
  const size_t slash = rest.find('/');
  named.bucket = rest.substr(0, slash);
  if (slash != std::string::npos) named.prefix = rest.substr(slash + 1);
  if (named.bucket.empty()) return bad("names no bucket: " + Quoted(url), "Write s3://bucket/prefix.");
  return named;
}

std::string StoreDirectory(const std::string& url) {
  const auto named = ParseStoreUrl(url);
  return named.ok() ? named.value().directory : std::string();
}

}  // namespace pitr
