#include "core/store/s3_range.h"

#include <charconv>

namespace pitr {
namespace {

struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

// "bytes 5-9/20" or "bytes 5-9/*".
std::optional<ContentRange> ParseContentRange(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  size_t dash = text.find('-');
  size_t slash = text.find('/');
  if (dash == text.npos || slash == text.npos || dash > slash) return std::nullopt;
  auto first = ParseSize(text.substr(0, dash));
  auto last = ParseSize(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first || *last - *first == UINT64_MAX) return std::nullopt;
  return ContentRange{*first, *last};
}

}  // namespace

std::optional<uint64_t> ParseSize(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string RangeText(ByteRange range) {
  return std::to_string(range.offset) +
         (range.length == UINT64_MAX ? "-" : "-" + std::to_string(range.offset + range.length - 1));
}

Status PastEnd(const std::string& key, ByteRange range) {
  return {Code::kInvalidArgument, "could not read \"" + key + "\": its end is before that of the range " +
                                      std::to_string(range.offset) + " + " + std::to_string(range.length)};
}

Result<uint64_t> ExpectedBytes(const std::string& key, ByteRange range, bool ranged, const HttpResponse& response) {
  auto bad = [&](Code code, const char* why) {
    return Status(code, "could not read \"" + key + "\": " + why + " (HTTP " + std::to_string(response.status) +
                            ", request id " + std::string(response.Header("x-amz-request-id")) + ")")
        .WithHint("The store, or a cache or gateway before it, does not give the bytes that are asked for.");
  };
  auto length = ParseSize(response.Header("content-length"));
  if (!ranged) {
    if (response.status != 200) return bad(Code::kUnavailable, "unexpected partial answer");
    if (length) return *length;
    if (response.Header("transfer-encoding").empty()) return bad(Code::kUnavailable, "answer tells no length");
    return UINT64_MAX;
  }
  if (response.status != 206) return bad(Code::kInvalidArgument, "the store does not support ranged reads");
  auto got = ParseContentRange(response.Header("content-range"));
  if (!got || got->first != range.offset) return bad(Code::kUnavailable, "answer is about other bytes");
  uint64_t bytes = got->last - got->first + 1;
  if (length && *length != bytes) return bad(Code::kUnavailable, "Content-Length and Content-Range disagree");
  if (range.length != UINT64_MAX && bytes < range.length) return PastEnd(key, range);
  if (bytes > range.length) return bad(Code::kUnavailable, "answer has more bytes than were asked for");
  return bytes;
}

}  // namespace pitr
