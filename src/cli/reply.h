// What a verb answers: a page for people, or one JSON object for programs, never both; on errors an object, too.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "cli/exit_code.h"
#include "cli/verbs.h"
#include "core/base/status.h"

namespace pitr::cli {

struct Reply {
  std::string text;             // without --json
  nlohmann::ordered_json json;  // with it: an object (docs/json.md)
  int code = kExitOk;           // where `error` is ok
  Status error;                 // what is wrong although there is an answer: printed, and "error" in the object
};

// Prints the answer, or the error, and returns the code to exit with.
int GiveReply(const Invocation& invocation, const Result<Reply>& reply);

// An error as GiveReply prints it; `json`: whether --json was given.
int GiveError(bool json, const Status& status);

}  // namespace pitr::cli
