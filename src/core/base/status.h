// Outcome of a fallible operation: Status, and Result<T> for one that yields a value.
//
// Codes say what the caller should do (retry, give up, tell the user), not which subsystem failed.
// Core code never throws on purpose; exceptions exist only because the standard library throws, and
// threads and entry points catch them. Message grammar follows PostgreSQL: message is lower-case
// without final punctuation and names the object; detail and hint are sentences.
// Plain values: a Status may be copied and moved between threads.
#pragma once
#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pitr {

enum class Code {
  kOk,
  kNotFound,         // confirmed absent: the store (or disk) answered that it is not there
  kAlreadyExists,    // something is stored under that name; it was left alone
  kConflict,         // what is stored contradicts what we have (other cluster, other content)
  kInvalidArgument,  // the user's input or setting is wrong; retrying is useless
  kCorruption,       // stored bytes are not what was written
  kUnavailable,      // may work when tried again: network, throttling, deadline
  kPermission,       // refused: credentials, policy, file mode
  kCancelled,        // the caller asked to stop
  kInternal          // our mistake
};

// Stable lower-case word for logs and JSON: "not_found", "unavailable", ...
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status Ok() noexcept { return {}; }

  bool ok() const noexcept { return code_ == Code::kOk; }
  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& detail() const noexcept { return detail_; }
  const std::string& hint() const noexcept { return hint_; }

  // Prefixes the message with what the caller was doing; keeps code, detail and hint.
  Status Annotate(std::string_view doing) && {
    if (!ok()) message_ = std::string(doing) + ": " + message_;
    return std::move(*this);
  }
  Status WithDetail(std::string detail) && {
    detail_ = std::move(detail);
    return std::move(*this);
  }
  Status WithHint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }
  // For a caller who knows better what to do about it; keeps message, detail and hint.
  Status As(Code code) && {
    code_ = code;
    return std::move(*this);
  }
  // "message" or "message (detail) hint", for a log line that has no fields of its own.
  std::string ToString() const;
  // "message (detail)", where the hint has a place of its own.
  std::string WithoutHint() const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
  std::string detail_;
  std::string hint_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Status status) : v_(std::move(status)) {
    assert(!std::get<Status>(v_).ok());
  }  // NOLINT(google-explicit-constructor)

  bool ok() const noexcept { return std::holds_alternative<T>(v_); }
  T& value() & { return std::get<T>(v_); }
  const T& value() const& { return std::get<T>(v_); }
  T&& value() && { return std::get<T>(std::move(v_)); }
  Code code() const noexcept { return ok() ? Code::kOk : std::get<Status>(v_).code(); }
  Status status() const& { return ok() ? Status::Ok() : std::get<Status>(v_); }
  Status status() && { return ok() ? Status::Ok() : std::get<Status>(std::move(v_)); }

 private:
  std::variant<T, Status> v_;
};

}  // namespace pitr

// Returns from the enclosing function when `expr` (a Status) is not ok.
#define PITR_TRY(expr)                                 \
  do {                                                 \
    ::pitr::Status pitr_try_status = (expr);           \
    if (!pitr_try_status.ok()) return pitr_try_status; \
  } while (0)

#define PITR_CONCAT_INNER(a, b) a##b
#define PITR_CONCAT(a, b) PITR_CONCAT_INNER(a, b)

// PITR_ASSIGN(auto x, Compute()): declares or assigns x from a Result, or returns its status.
#define PITR_ASSIGN(lhs, expr)                                                                                   \
  auto PITR_CONCAT(pitr_result_, __LINE__) = (expr);                                                             \
  if (!PITR_CONCAT(pitr_result_, __LINE__).ok()) return std::move(PITR_CONCAT(pitr_result_, __LINE__)).status(); \
  lhs = std::move(PITR_CONCAT(pitr_result_, __LINE__)).value()
