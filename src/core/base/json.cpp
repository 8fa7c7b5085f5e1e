#include "core/base/json.h"

#include <charconv>
#include <cstdint>

namespace pitr {
namespace {

// Builds the value, and gives up as soon as it is nested too deeply.
class BoundedSax final : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  explicit BoundedSax(Json& into) : json_sax_dom_parser(into, false) {}
  bool start_object(std::size_t n) { return Enter() && json_sax_dom_parser::start_object(n); }
  bool start_array(std::size_t n) { return Enter() && json_sax_dom_parser::start_array(n); }
  bool end_object() { return --depth_, json_sax_dom_parser::end_object(); }
  bool end_array() { return --depth_, json_sax_dom_parser::end_array(); }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string& token, const Exception& error) {
    position_ = position;
    return json_sax_dom_parser::parse_error(position, token, error);
  }
  std::size_t position() const { return position_; }
  bool too_deep() const { return depth_ > kMaxJsonDepth; }

 private:
  bool Enter() { return ++depth_ <= kMaxJsonDepth; }
  int depth_ = 0;
  std::size_t position_ = 0;
};

Status Wrong(const char* field, const char* why) {
  return {Code::kCorruption, "field \"" + std::string(field) + "\" " + why};
}

Result<const Json*> Find(const Json& object, const char* field) {
  if (!object.is_object()) return Wrong(field, "is looked for in something that is not an object");
  auto at = object.find(field);
  if (at == object.end()) return Wrong(field, "is missing");
  return &*at;
}

}  // namespace

Result<Json> ParseJson(std::string_view text) {
  Json json;
  BoundedSax sax(json);
  if (Json::sax_parse(text.begin(), text.end(), &sax)) return json;
  if (sax.too_deep()) return Status(Code::kCorruption, "JSON is nested too deeply");
  return Status(Code::kCorruption, "not valid JSON at byte " + std::to_string(sax.position()));
}

std::string JsonText(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool JsonHas(const Json& object, const char* field) { return object.is_object() && object.contains(field); }

Result<std::string> JsonString(const Json& object, const char* field) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_string()) return Wrong(field, "is not a string");
  return value->get_ref<const std::string&>();
}

Result<uint64_t> JsonUint(const Json& object, const char* field, uint64_t max) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_number_unsigned()) return Wrong(field, "is not an unsigned integer");
  if (value->get<uint64_t>() > max) return Wrong(field, "is out of range");
  return value->get<uint64_t>();
}

Result<int64_t> JsonInt(const Json& object, const char* field) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_number_integer()) return Wrong(field, "is not an integer");
  if (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX) return Wrong(field, "is out of range");
  return value->get<int64_t>();
}

Result<bool> JsonBool(const Json& object, const char* field) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_boolean()) return Wrong(field, "is not a boolean");
  return value->get<bool>();
}

Result<uint64_t> JsonUintText(const Json& object, const char* field) {
  PITR_ASSIGN(const std::string text, JsonString(object, field));
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return Wrong(field, "is not a decimal number");
  return number;
}

Result<const Json*> JsonArray(const Json& object, const char* field) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_array()) return Wrong(field, "is not an array");
  return value;
}

Result<const Json*> JsonObject(const Json& object, const char* field) {
  PITR_ASSIGN(const Json* value, Find(object, field));
  if (!value->is_object()) return Wrong(field, "is not an object");
  return value;
}

}  // namespace pitr
