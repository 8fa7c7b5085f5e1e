// Why a server's TLS certificate was refused, in words that lead to the remedy: which authority issued it, and which
// were asked. For the transport (http.cpp) only.
#pragma once
#include <string>

#include "core/base/status.h"

namespace pitr {

struct TlsRefusal {
  int error = 0;       // X509_V_ERR_...; 0: none was seen
  std::string issuer;  // of the certificate at which verification ended: "CN=Our CA, O=Us"
};

// From now on `refusal` says what verification in this OpenSSL context (an SSL_CTX*) ended with; it outlives it. Throws
// nothing.
void NoteRefusal(void* ssl_context, TlsRefusal* refusal) noexcept;

// kPermission. `why`: what the library said. `ca_file`: the setting; "" for the system's.
Status DescribeRefusal(const TlsRefusal& refusal, const std::string& ca_file, const std::string& why);

// Whether what OpenSSL said of a failed handshake means that the other side speaks another protocol.
bool IsNoTls(const std::string& why);

}  // namespace pitr
