#include "core/repo/json_fields.h"

#include "core/base/bytes.h"
#include "core/repo/json_scan.h"

namespace pitr {
namespace {

using nlohmann::json;

}  // namespace

Result<json> ParseJsonObject(std::string_view text, std::string_view what) {
  // The scanner bounds the depth first, so that the document tree is never deeper than its limit.
  JsonScanner scanner(text);
  if (!scanner.Skip() || !scanner.AtEnd()) return Status(Code::kCorruption, std::string(what) + " is not valid JSON");
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return Status(Code::kCorruption, std::string(what) + " is not valid JSON");
  if (!document.is_object()) return Status(Code::kCorruption, std::string(what) + " is not a JSON object");
  return document;
}

void PutText(json& object, const std::string& name, std::string_view text) {
  if (IsUtf8(text))
    object[name] = std::string(text);
  else
    object[name + "_hex"] = ToHex(AsBytes(text));
}

std::string DumpJson(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

Status JsonFields::Missing(const char* name) const {
  return {Code::kCorruption, what_ + ": field \"" + name + "\" is missing"};
}

Status JsonFields::Wrong(const char* name, std::string_view expected) const {
  return {Code::kCorruption, what_ + ": field \"" + name + "\" is not " + std::string(expected)};
}

Status JsonFields::Text(const char* name, std::string& out) const {
  const std::string hex_name = std::string(name) + "_hex";
  if (!Has(name) && !object_.contains(hex_name)) return Missing(name);
  return OptionalText(name, out);
}

Status JsonFields::OptionalText(const char* name, std::string& out) const {
  if (const auto at = object_.find(name); at != object_.end()) {
    if (!at->is_string()) return Wrong(name, "a string");
    out = at->get_ref<const std::string&>();
    return Status::Ok();
  }
  const auto at = object_.find(std::string(name) + "_hex");
  if (at == object_.end()) return Status::Ok();
  std::optional<Bytes> bytes;
  if (at->is_string()) bytes = FromHex(at->get_ref<const std::string&>());
  if (!bytes) return Wrong((std::string(name) + "_hex").c_str(), "a string of hexadecimal digits");
  out.assign(AsText(*bytes));
  return Status::Ok();
}

Status JsonFields::Unsigned(const char* name, uint64_t max, uint64_t& out) const {
  const auto at = object_.find(name);
  if (at == object_.end()) return Missing(name);
  if (!at->is_number_unsigned() || at->get<uint64_t>() > max)
    return Wrong(name, "an integer from 0 to " + std::to_string(max));
  out = at->get<uint64_t>();
  return Status::Ok();
}

Status JsonFields::Unsigned32(const char* name, uint32_t& out) const {
  uint64_t wide = 0;
  PITR_TRY(Unsigned(name, UINT32_MAX, wide));
  out = static_cast<uint32_t>(wide);
  return Status::Ok();
}

Status JsonFields::Signed(const char* name, int64_t& out) const {
  const auto at = object_.find(name);
  if (at == object_.end()) return Missing(name);
  if (at->is_number_unsigned() ? at->get<uint64_t>() > uint64_t{INT64_MAX} : !at->is_number_integer())
    return Wrong(name, "an integer of 64 bits");
  out = at->get<int64_t>();
  return Status::Ok();
}

Status JsonFields::Bool(const char* name, bool& out) const {
  return Has(name) ? OptionalBool(name, out) : Missing(name);
}

Status JsonFields::OptionalBool(const char* name, bool& out) const {
  const auto at = object_.find(name);
  if (at == object_.end()) return Status::Ok();
  if (!at->is_boolean()) return Wrong(name, "true or false");
  out = at->get<bool>();
  return Status::Ok();
}

Result<const json*> JsonFields::OptionalArray(const char* name) const {
  const auto at = object_.find(name);
  if (at == object_.end()) return static_cast<const json*>(nullptr);
  if (!at->is_array()) return Wrong(name, "an array");
  return &*at;
}

Result<const json*> JsonFields::OptionalObject(const char* name) const {
  const auto at = object_.find(name);
  if (at == object_.end()) return static_cast<const json*>(nullptr);
  if (!at->is_object()) return Wrong(name, "an object");
  return &*at;
}

}  // namespace pitr
