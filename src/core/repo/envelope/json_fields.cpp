#include "core/repo/envelope/json_fields.h"

#include <charconv>

#include "core/base/bytes.h"
#include "core/repo/envelope/json_scan.h"

namespace pitr {

Result<Json> ParseJsonObject(std::string_view text, std::string_view what) {
  auto document = ParseJson(text);
  if (!document.ok()) return std::move(document).status().Annotate(what);
  if (!document.value().is_object()) return Status(Code::kCorruption, std::string(what) + " is not a JSON object");
  return document;
}

void PutText(Json& object, const std::string& name, std::string_view text) {
  if (IsUtf8(text))
    object[name] = std::string(text);
  else
    object[name + "_hex"] = ToHex(AsBytes(text));
}

Status JsonFields::Missing(const char* name) const {
  return {Code::kCorruption, what_ + ": field \"" + path_ + name + "\" is missing"};
}

Status JsonFields::Wrong(const char* name, std::string_view expected) const {
  return {Code::kCorruption, what_ + ": field \"" + path_ + name + "\" is not " + std::string(expected)};
}

Status JsonFields::Text(const char* name, std::string& out) const {
  const std::string hex_name = std::string(name) + "_hex";
  if (!Has(name) && !Has(hex_name.c_str())) return Missing(name);
  return OptionalText(name, out);
}

Status JsonFields::OptionalText(const char* name, std::string& out) const {
  if (const auto at = object_->find(name); at != object_->end()) {
    if (!at->is_string()) return Wrong(name, "a string");
    out = at->get_ref<const std::string&>();
    return Status::Ok();
  }
  const auto at = object_->find(std::string(name) + "_hex");
  if (at == object_->end()) return Status::Ok();
  std::optional<Bytes> bytes;
  if (at->is_string()) bytes = FromHex(at->get_ref<const std::string&>());
  if (!bytes) return Wrong((std::string(name) + "_hex").c_str(), "a string of hexadecimal digits");
  out.assign(AsText(*bytes));
  return Status::Ok();
}

Status JsonFields::Texts(const char* name, std::vector<std::string>& out) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Missing(name);
  if (!at->is_array()) return Wrong(name, "an array");
  for (const Json& text : *at) {
    if (!text.is_string()) return Wrong(name, "an array of strings");
    out.push_back(text.get_ref<const std::string&>());
  }
  return Status::Ok();
}

Status JsonFields::Unsigned(const char* name, uint64_t max, uint64_t& out) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Missing(name);
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

Status JsonFields::UnsignedText(const char* name, uint64_t& out) const {
  std::string text;
  PITR_TRY(Text(name, text));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return Wrong(name, "a decimal number in a string");
  return Status::Ok();
}

Status JsonFields::Signed(const char* name, int64_t& out) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Missing(name);
  if (at->is_number_unsigned() ? at->get<uint64_t>() > uint64_t{INT64_MAX} : !at->is_number_integer())
    return Wrong(name, "an integer of 64 bits");
  out = at->get<int64_t>();
  return Status::Ok();
}

Status JsonFields::Number(const char* name, double& out) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Missing(name);
  if (!at->is_number()) return Wrong(name, "a number");
  out = at->get<double>();
  return Status::Ok();
}

Status JsonFields::Bool(const char* name, bool& out) const {
  return Has(name) ? OptionalBool(name, out) : Missing(name);
}

Status JsonFields::OptionalBool(const char* name, bool& out) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Status::Ok();
  if (!at->is_boolean()) return Wrong(name, "true or false");
  out = at->get<bool>();
  return Status::Ok();
}

Result<JsonFields> JsonFields::Object(const char* name) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Missing(name);
  if (!at->is_object()) return Wrong(name, "an object");
  return JsonFields(*at, what_, path_ + name + ".");
}

Result<std::optional<JsonFields>> JsonFields::OptionalObject(const char* name) const {
  if (!Has(name)) return std::optional<JsonFields>();
  PITR_ASSIGN(JsonFields object, Object(name));
  return std::optional<JsonFields>(std::move(object));
}

Status JsonFields::EachObject(const char* name, const Each& each) const {
  return Has(name) ? OptionalEachObject(name, each) : Missing(name);
}

Status JsonFields::OptionalEachObject(const char* name, const Each& each) const {
  const auto at = object_->find(name);
  if (at == object_->end()) return Status::Ok();
  if (!at->is_array()) return Wrong(name, "an array");
  for (size_t i = 0; i < at->size(); i++) {
    const Json& element = (*at)[i];
    if (!element.is_object()) return Wrong(name, "an array of objects");
    PITR_TRY(each(JsonFields(element, what_, path_ + name + "[" + std::to_string(i) + "].")));
  }
  return Status::Ok();
}

}  // namespace pitr
