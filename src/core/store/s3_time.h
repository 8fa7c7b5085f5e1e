// The two ways S3 writes a moment, as microseconds since 1970-01-01 UTC. Pure; bounded; for untrusted text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pitr {

// "2026-11-23T00:11:26Z", with a fraction of seconds ("…26.123Z") or with "+00:00" for the Z. nullopt for anything
// else.
std::optional<int64_t> ParseIsoTime(std::string_view text);
// "Mon, 23 Nov 2026 00:11:26 GMT" (RFC 9110 IMF-fixdate). nullopt for anything else.
std::optional<int64_t> ParseHttpTime(std::string_view text);
// "2026-11-23T00:11:26Z".
std::string FormatIsoTime(int64_t wall_micros);

}  // namespace pitr
