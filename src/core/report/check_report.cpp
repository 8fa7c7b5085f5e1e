#include "core/report/check_report.h"

#include <nlohmann/json.hpp>

#include "core/base/json_page.h"

namespace pitr {

std::string CheckText(const std::vector<CheckRow>& rows, size_t width) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const CheckRow& row : rows) {
    std::string value =
        row.state == CheckState::kOk ? "ok: " + row.detail : std::string(CheckStateName(row.state)) + ": " + row.detail;
    if (row.state != CheckState::kOk && !row.hint.empty()) value += "\n-> " + row.hint;
    lines.emplace_back(row.item, std::move(value));
  }
  return AlignItems(lines, 0, width);
}

OrderedJson CheckJson(const std::vector<CheckRow>& rows) {
  OrderedJson list = OrderedJson::array();
  for (const CheckRow& row : rows)
    list.push_back(
        {{"item", row.item}, {"state", CheckStateName(row.state)}, {"detail", row.detail}, {"hint", row.hint}});
  return {{"passed", AllPassed(rows)}, {"checks", list}};
}

}  // namespace pitr
