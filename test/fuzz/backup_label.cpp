// Anything as backup_label and as tablespace_map.
#include "core/pg/backup_label.h"

#include <cstdlib>

#include "core/base/bytes.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(backup_label)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view text = AsText({data, size});
  const auto label = ParseBackupLabel(text);
  if (label.ok() && (!label.value().start.valid() || !label.value().timeline.valid())) abort();
  const auto links = ParseTablespaceMap(text);
  if (!links.ok()) return 0;
  const auto again = ParseTablespaceMap(FormatTablespaceMap(links.value()));
  if (!again.ok() || again.value() != links.value()) abort();
  return 0;
}
