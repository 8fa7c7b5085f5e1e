// The one header in which C++ and PostgreSQL meet (docs/architecture.md: rules "one way in", "one way out").
//
// Two walls: RunCpp() lets no C++ exception reach a C frame, PgCall() lets no ERROR jump over a C++ object. Everything
// here belongs to the main thread of a server process; threads (core/base/thread) never include or call any of it.
#pragma once
extern "C" {
#include "postgres.h"
// The order matters: everything below needs postgres.h.
#include "fmgr.h"
#include "miscadmin.h"
#include "server/compat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/memutils.h"
// Macros of the server that would rewrite C++ names.
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef _
#undef snprintf
#undef vsnprintf
#undef sprintf
#undef vsprintf
#undef printf
#undef fprintf
#undef strerror
#undef strerror_r
}

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <type_traits>

#include "core/base/status.h"

namespace pitr::server {

inline void AssertMainThread() { Assert(gettid() == getpid()); }

// A PostgreSQL ERROR on its way through C++ frames. Always re-raised (rule "errors travel on"); the ErrorData lives in
// the memory context that was current when PgCall() was entered.
class PgError : public std::exception {
 public:
  explicit PgError(ErrorData* error) noexcept : error_(error) {}
  const char* what() const noexcept override { return error_->message ? error_->message : "PostgreSQL error"; }
  ErrorData* error() const noexcept { return error_; }

 private:
  ErrorData* error_;
};

// PostgreSQL from C++. Runs `fn`, a few server calls and no C++ object in it, and turns an ERROR into a PgError. What
// it captures must be trivial, because a longjmp skips destructors: capture by reference or raw pointers and numbers.
template <class Fn>
auto PgCall(Fn fn) -> decltype(fn()) {
  using R = decltype(fn());
  static_assert(std::is_trivially_copyable_v<Fn> && std::is_trivially_destructible_v<Fn>,
                "captures must be trivial: longjmp skips destructors");
  static_assert(std::is_void_v<R> || std::is_trivially_copyable_v<R>, "the result must be trivial");
  AssertMainThread();
  MemoryContext caller = CurrentMemoryContext;
  sigjmp_buf* saved_stack = PG_exception_stack;
  ErrorContextCallback* saved_context = error_context_stack;
  sigjmp_buf jump;
  if (sigsetjmp(jump, 0) == 0) {
    PG_exception_stack = &jump;
    if constexpr (std::is_void_v<R>) {
      fn();
      PG_exception_stack = saved_stack;
      error_context_stack = saved_context;
      return;
    } else {
      R result = fn();
      PG_exception_stack = saved_stack;
      error_context_stack = saved_context;
      return result;
    }
  }
  PG_exception_stack = saved_stack;
  error_context_stack = saved_context;
  MemoryContextSwitchTo(caller);
  ErrorData* error = CopyErrorData();
  FlushErrorState();
  throw PgError(error);
}

inline int SqlState(Code code) {
  switch (code) {
    case Code::kOk:
      return ERRCODE_SUCCESSFUL_COMPLETION;
    case Code::kNotFound:
      return ERRCODE_UNDEFINED_FILE;
    case Code::kAlreadyExists:
      return ERRCODE_DUPLICATE_OBJECT;
    case Code::kConflict:
      return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
    case Code::kInvalidArgument:
      return ERRCODE_INVALID_PARAMETER_VALUE;
    case Code::kCorruption:
      return ERRCODE_DATA_CORRUPTED;
    case Code::kUnavailable:
      return ERRCODE_CONNECTION_FAILURE;
    case Code::kPermission:
      return ERRCODE_INSUFFICIENT_PRIVILEGE;
    case Code::kCancelled:
      return ERRCODE_QUERY_CANCELED;
    case Code::kInternal:
      return ERRCODE_INTERNAL_ERROR;
  }
  return ERRCODE_INTERNAL_ERROR;
}

struct PlainError;
// Between core's encoding and the database's (encoding.h); what cannot be converted is shown somehow.
void ToServerEncoding(PlainError& error) noexcept;
void FromServerEncoding(PlainError& error) noexcept;

// An error in plain data: what is alive when ereport() jumps, and what one process leaves in shared memory for another.
// Its texts are UTF-8.
struct PlainError {
  int sqlstate = 0;  // 0: none
  char message[1024] = "";
  char detail[2048] = "";
  char hint[1024] = "";

  void Set(int state, const char* what, const char* more = "", const char* advice = "") noexcept {
    sqlstate = state;
    std::snprintf(message, sizeof message, "%s", what ? what : "");
    std::snprintf(detail, sizeof detail, "%s", more ? more : "");
    std::snprintf(hint, sizeof hint, "%s", advice ? advice : "");
  }
  void Set(const Status& status) noexcept {
    Set(SqlState(status.code()), status.message().c_str(), status.detail().c_str(), status.hint().c_str());
  }
  void Set(const ErrorData& error) noexcept {
    Set(error.sqlerrcode, error.message, error.detail, error.hint);
    FromServerEncoding(*this);
  }
};
static_assert(std::is_trivially_copyable_v<PlainError> && std::is_trivially_destructible_v<PlainError>);

// Raises `error`. C frames only: no object with a destructor may be alive in the caller (use RaiseFromCpp there).
[[noreturn]] inline void RaisePlain(const PlainError* error) {
  static PlainError raised;
  raised = *error;
  ToServerEncoding(raised);
  ereport(ERROR,
          (errcode(raised.sqlstate), errmsg("%s", raised.message),
           raised.detail[0] ? errdetail("%s", raised.detail) : 0, raised.hint[0] ? errhint("%s", raised.hint) : 0));
  pg_unreachable();
}

// Raises as a PgError, for C++ frames that need an SQLSTATE of their own.
[[noreturn]] inline void RaiseFromCpp(int sqlstate, const std::string& message, const std::string& detail = "",
                                      const std::string& hint = "") {
  PlainError error;
  error.Set(sqlstate, message.c_str(), detail.c_str(), hint.c_str());
  const PlainError* plain = &error;
  PgCall([plain] { RaisePlain(plain); });
  __builtin_unreachable();
}

// The outcome of RunCpp; plain data.
struct Pending {
  ErrorData* error = nullptr;  // a PostgreSQL error to be re-raised as it was
  PlainError plain;
  bool ok() const { return error == nullptr && plain.sqlstate == 0; }
};

// C++ from PostgreSQL. Every C++ object dies inside; nothing is thrown.
template <class Fn>
bool RunCpp(Fn&& fn, Pending* pending) noexcept {
  [[maybe_unused]] sigjmp_buf* stack_at_entry = PG_exception_stack;
  try {
    Status status = fn();
    if (!status.ok()) pending->plain.Set(status);
  } catch (const PgError& e) { pending->error = e.error(); } catch (const std::bad_alloc&) {
    pending->plain.Set(ERRCODE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& e) { pending->plain.Set(ERRCODE_INTERNAL_ERROR, e.what()); } catch (...) {
    pending->plain.Set(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
  }
  Assert(PG_exception_stack == stack_at_entry);
  return pending->ok();
}

[[noreturn]] inline void Raise(const Pending* pending) {
  if (pending->error) ReThrowError(pending->error);
  RaisePlain(&pending->plain);
}

}  // namespace pitr::server

// An SQL function: PITR_FUNCTION(name) { ...; *result = ...; return Status::Ok(); } A status that is not ok becomes an
// ERROR after every destructor has run. The value defaults to NULL. Inside our namespace: the server has names that
// ours have too.
#define PITR_FUNCTION(name)                                                                                           \
  static pitr::Status name##_body(FunctionCallInfo fcinfo, Datum* result);                                            \
  extern "C" {                                                                                                        \
  PG_FUNCTION_INFO_V1(name);                                                                                          \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS) {                                                                          \
    pitr::server::Pending pending;                                                                                    \
    Datum result = (Datum)0;                                                                                          \
    if (!pitr::server::RunCpp([&] { return name##_body(fcinfo, &result); }, &pending)) pitr::server::Raise(&pending); \
    return result;                                                                                                    \
  }                                                                                                                   \
  }                                                                                                                   \
  static pitr::Status name##_body([[maybe_unused]] FunctionCallInfo fcinfo, [[maybe_unused]] Datum* result)
