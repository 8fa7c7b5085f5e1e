#include "core/report/expire_report.h"

#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/base/json_page.h"

namespace pitr {

namespace {

std::string ExpireRowsText(const ExpireReport& report, size_t width) {
  TableRows table = {{"action", "what", "name", "objects", "size", "why"}};
  std::vector<std::pair<std::string, std::string>> items;
  for (const ExpireRow& row : report.rows) {
    const std::string action(ExpireActionName(row.action)),
        size = row.stored_bytes == 0 ? "-" : DescribeBytes(row.stored_bytes);
    table.push_back({action, row.what, row.name, row.objects == 0 ? "-" : std::to_string(row.objects), size, row.why});
    std::string text = row.what + " " + row.name;
    if (row.objects != 0) text += "\n" + DescribeCount(row.objects, "object", "objects") + ", " + size;
    items.emplace_back(action, row.why.empty() ? text : text + "\n" + row.why);
  }
  const std::string whole = AlignTable(table, 0);
  return whole.find('\n') <= width && WrapPage(whole, width) == whole ? whole : AlignItems(items, 0, width);
}

}  // namespace

std::string ExpireText(const ExpireReport& report, bool dry_run, int64_t millis, size_t width) {
  uint64_t objects = 0, bytes = 0;
  for (const ExpireRow& row : report.rows) {
    if (row.action != ExpireAction::kDelete) continue;
    objects += row.objects;
    bytes += row.stored_bytes;
  }
  const std::string sum = DescribeCount(objects, "object", "objects") + ", " + DescribeBytes(bytes);
  const std::string end = dry_run ? "dry run: would delete " + sum + "; nothing was changed\n"
                                  : "deleted " + sum + " in " + DescribeMillis(millis) + "\n";
  return report.rows.empty() ? end : ExpireRowsText(report, width) + "\n" + end;
}

OrderedJson ExpireJson(const ExpireReport& report, bool dry_run, int64_t millis) {
  OrderedJson json = {
      {"dry_run", dry_run}, {"complete", report.Complete()}, {"milliseconds", millis}, {"rows", OrderedJson::array()}};
  for (const ExpireRow& row : report.rows)
    json["rows"].push_back({{"action", ExpireActionName(row.action)},
                            {"what", row.what},
                            {"name", row.name},
                            {"objects", row.objects},
                            {"stored_bytes", row.stored_bytes},
                            {"why", row.why}});
  return json;
}

}  // namespace pitr
