#include "core/report/expire_report.h"

#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"

namespace pitr {

std::string ExpireText(const ExpireReport& report, bool dry_run) {
  std::vector<std::vector<std::string>> table = {{"action", "what", "name", "objects", "size", "why"}};
  uint64_t objects = 0, bytes = 0;
  for (const ExpireRow& row : report.rows) {
    if (row.action == ExpireAction::kDelete) {
      objects += row.objects;
      bytes += row.stored_bytes;
    }
    table.push_back({std::string(ExpireActionName(row.action)), row.what, row.name,
                     row.objects == 0 ? "-" : std::to_string(row.objects),
                     row.stored_bytes == 0 ? "-" : DescribeBytes(row.stored_bytes), row.why});
  }
  const std::string sum = DescribeCount(objects, "object", "objects") + ", " + DescribeBytes(bytes);
  const std::string end =
      dry_run ? "dry run: would delete " + sum + "; nothing was changed\n" : "deleted " + sum + "\n";
  return report.rows.empty() ? end : AlignTable(table, 0) + "\n" + end;
}

std::string ExpireJson(const ExpireReport& report, bool dry_run) {
  using Json = nlohmann::ordered_json;
  Json json = {{"dry_run", dry_run}, {"complete", report.Complete()}, {"rows", Json::array()}};
  for (const ExpireRow& row : report.rows)
    json["rows"].push_back({{"action", ExpireActionName(row.action)},
                            {"what", row.what},
                            {"name", row.name},
                            {"objects", row.objects},
                            {"stored_bytes", row.stored_bytes},
                            {"why", row.why}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pitr
