// The one way in which JSON documents are written for people's eyes and other programs: reports of the binary, files in
// a restored data directory. What the repository stores is written by base/json.h. Pure.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace pitr {

using OrderedJson = nlohmann::ordered_json;

// Indented, keys in the order in which they were given, without a newline at the end. Labels and paths may be no UTF-8:
// their bad bytes are replaced.
std::string JsonPage(const OrderedJson& json);

}  // namespace pitr
