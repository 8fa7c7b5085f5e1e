// Ranges of bytes as S3 is asked for them and as it answers. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/http.h"
#include "core/store/object_store.h"

namespace pitr {

// Decimal digits and nothing else.
std::optional<uint64_t> ParseSize(std::string_view text);

// "5-9", or "5-" when the range has no end.
std::string RangeText(ByteRange range);

Status PastEnd(const std::string& key, ByteRange range);

// Checks that the answer is about the bytes asked for and returns how many will come (UINT64_MAX: chunked). `ranged`:
// a range was asked for. kUnavailable and kInvalidArgument say what is wrong.
Result<uint64_t> ExpectedBytes(const std::string& key, ByteRange range, bool ranged, const HttpResponse& response);

}  // namespace pitr
