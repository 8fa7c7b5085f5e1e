#include "core/base/json_page.h"

#include <nlohmann/json.hpp>

namespace pitr {

std::string JsonPage(const OrderedJson& json) {
  return json.dump(2, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace pitr
