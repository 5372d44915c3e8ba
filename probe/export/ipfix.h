// IPFIX (RFC 7011): a biflow (RFC 5103) for every flow record and a record for every DNS exchange,
// behind their templates and the types of the elements of our own (RFC 5610).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/store/message_format.h"

namespace dpi {

class IpfixFormat final : public MessageFormat {
 public:
  // The private enterprise number of the elements of our own. One format is one transport session,
  // or one part of a file: templates stand in front of its first record.
  [[nodiscard]] static Result<std::unique_ptr<IpfixFormat>> make(std::uint32_t enterprise_number);
  ~IpfixFormat() override;

  // A function of its events: no clock enters a message.
  Result<void> append(std::string& out, std::uint64_t seq, std::string_view envelope,
                      std::string_view payload) override;
  Result<void> flush(std::string& out) override;

 private:
  struct Impl;
  explicit IpfixFormat(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dpi
