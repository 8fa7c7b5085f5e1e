#include "cli/reply.h"

#include "cli/print.h"
#include "core/report/json_values.h"

namespace pitr::cli {
namespace {

nlohmann::ordered_json ErrorJson(const Status& status) {
  return {{"code", CodeName(status.code())},
          {"message", status.message()},
          {"detail", JsonOrNull(status.detail())},
          {"hint", JsonOrNull(status.hint())}};
}

}  // namespace

int GiveError(bool json, const Status& status) {
  if (json) PrintJson({{"error", ErrorJson(status)}});
  return ExitOf(status);
}

int GiveReply(const Invocation& invocation, const Result<Reply>& reply) {
  if (!reply.ok()) return GiveError(invocation.json, reply.status());
  const Reply& given = reply.value();
  if (invocation.json) {
    nlohmann::ordered_json json = given.json;
    if (!given.error.ok()) json["error"] = ErrorJson(given.error);
    PrintJson(json);
  } else {
    PrintText(given.text);
  }
  return given.error.ok() ? given.code : ExitOf(given.error);
}

}  // namespace pitr::cli
