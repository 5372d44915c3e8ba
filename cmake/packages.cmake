# `cmake --install` puts everything where the FHS wants it; CPack makes four Debian packages of it (tools/make-packages).
# Components: probe, dpdk, schema, doc.
include(GNUInstallDirs)

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(manual ${PROJECT_BINARY_DIR}/manual)

# Man pages and completions come out of the program, from the text of its --help.
add_custom_command(OUTPUT ${manual}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual}
  COMMAND ransomeye-dpi manual --to ${manual}
  COMMAND sh -c "gzip -9n ${manual}/man1/*.1"
  COMMAND ${CMAKE_COMMAND} -E touch ${manual}/stamp
  DEPENDS ransomeye-dpi VERBATIM)
add_custom_target(manual ALL DEPENDS ${manual}/stamp)

install(TARGETS ransomeye-dpi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT probe)
if(TARGET ransomeye_dpdk)
  # Beside nothing: the probe looks in ../lib/ransomeye, seen from itself.
  install(TARGETS ransomeye_dpdk LIBRARY DESTINATION lib/ransomeye COMPONENT dpdk)
endif()
install(DIRECTORY ${manual}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT probe)
install(FILES ${manual}/completions/ransomeye-dpi.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME ransomeye-dpi COMPONENT probe)
install(FILES ${manual}/completions/_ransomeye-dpi DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT probe)
install(FILES config/systemd/ransomeye-dpi@.service DESTINATION lib/systemd/system COMPONENT probe)
install(FILES config/sysusers.d/ransomeye-dpi.conf DESTINATION lib/sysusers.d COMPONENT probe)
install(FILES config/tmpfiles.d/ransomeye-dpi.conf DESTINATION lib/tmpfiles.d COMPONENT probe)
install(DIRECTORY config/prometheus config/grafana DESTINATION ${CMAKE_INSTALL_DATADIR}/ransomeye-dpi COMPONENT probe
        PATTERN alerts_test.yml EXCLUDE)
install(FILES config/dpi.toml DESTINATION ${CMAKE_INSTALL_DATADIR}/ransomeye-dpi COMPONENT probe)
# /etc is beside /usr, and below every other prefix.
install(CODE "
  set(etc \"\${CMAKE_INSTALL_PREFIX}/etc\")
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    set(etc /etc)
  endif()
  file(INSTALL DESTINATION \"\${etc}/ransomeye\" TYPE FILE FILES \"${packaging}/pg_service.conf\")" COMPONENT probe)

file(GLOB schema_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/schemas/*)
file(GLOB migration_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/migrations/*.sql)
install(FILES ${schema_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/ransomeye-dpi/schemas COMPONENT schema)
install(FILES ${migration_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/ransomeye-dpi/migrations COMPONENT schema)
install(FILES config/systemd/ransomeye-maintenance.service config/systemd/ransomeye-maintenance.timer
        DESTINATION lib/systemd/system COMPONENT schema)

install(FILES README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ransomeye-dpi-doc COMPONENT doc)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ransomeye-dpi-doc/docs COMPONENT doc)

# What every Debian package has.
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/changelog.Debian.gz
  COMMAND sh -c "gzip -9nc ${packaging}/debian/changelog > ${PROJECT_BINARY_DIR}/changelog.Debian.gz"
  DEPENDS ${packaging}/debian/changelog VERBATIM)
add_custom_target(changelog ALL DEPENDS ${PROJECT_BINARY_DIR}/changelog.Debian.gz)
foreach(pair "probe;ransomeye-dpi" "dpdk;ransomeye-dpi-dpdk" "schema;ransomeye-dpi-schema" "doc;ransomeye-dpi-doc")
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES ${packaging}/debian/copyright ${PROJECT_BINARY_DIR}/changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ransomeye-dpi)
set(CPACK_PACKAGE_VENDOR RansomEye)
set(CPACK_PACKAGE_CONTACT "RansomEye maintainers <maintainers@ransomeye.example>")
# Into a DESTDIR, because /etc lies beside the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL probe schema doc)
if(TARGET ransomeye_dpdk)
  list(APPEND CPACK_COMPONENTS_ALL dpdk)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROBE_PACKAGE_NAME ransomeye-dpi)
set(CPACK_DEBIAN_PROBE_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROBE_PACKAGE_DEPENDS "systemd, passwd")
set(CPACK_DEBIAN_PROBE_PACKAGE_SUGGESTS "ransomeye-dpi-dpdk, ransomeye-dpi-schema, ransomeye-dpi-doc, postgresql")
set(CPACK_DEBIAN_PROBE_DESCRIPTION "network sensor whose events can be proved
Packets become facts: flows with their application, DNS exchanges, names and
fingerprints of TLS, QUIC, HTTP and SSH. Every fact is signed into a chain, is
durable before it leaves the host, and is checked again by the database.
.
Captures from interfaces and reads capture files.")
set(CPACK_DEBIAN_PROBE_PACKAGE_CONTROL_EXTRA
    ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm ${packaging}/debian/conffiles)

set(CPACK_DEBIAN_DPDK_PACKAGE_NAME ransomeye-dpi-dpdk)
set(CPACK_DEBIAN_DPDK_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DPDK_PACKAGE_DEPENDS "ransomeye-dpi (= ${PROJECT_VERSION}-1), librte-mempool-ring23")
set(CPACK_DEBIAN_DPDK_DESCRIPTION "capture through DPDK for ransomeye-dpi
For cards that packet sockets cannot follow. The driver of the card is a
package of its own, such as librte-net-ixgbe23.")

set(CPACK_DEBIAN_SCHEMA_PACKAGE_NAME ransomeye-dpi-schema)
set(CPACK_DEBIAN_SCHEMA_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SCHEMA_PACKAGE_SECTION database)
set(CPACK_DEBIAN_SCHEMA_PACKAGE_DEPENDS "systemd, passwd")
set(CPACK_DEBIAN_SCHEMA_PACKAGE_RECOMMENDS "postgresql-15, postgresql-client, ransomeye-dpi")
set(CPACK_DEBIAN_SCHEMA_DESCRIPTION "database schema of ransomeye-dpi
The SQL of the bundle with its migrations, and a timer that makes the
partitions of the days ahead. `ransomeye-dpi schema apply` has the same SQL
inside.")
set(CPACK_DEBIAN_SCHEMA_PACKAGE_CONTROL_EXTRA
    ${packaging}/debian/schema/postinst ${packaging}/debian/schema/prerm ${packaging}/debian/schema/postrm)

set(CPACK_DEBIAN_DOC_PACKAGE_NAME ransomeye-dpi-doc)
set(CPACK_DEBIAN_DOC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOC_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_DOC_DESCRIPTION "documentation of ransomeye-dpi
Operation, events and their columns, formats, performance, decisions.")
include(CPack)
