# What is installed: the library under both names, the headers, and what lets
# other projects find them: pkg-config files and CMake packages. The interface
# is mlx-c's, so its package, target and variables are here under its names.
include(CMakePackageConfigHelpers)

set(LAZULI_INTERFACE_VERSION 0.6.0) # mlx-c's
set(here ${CMAKE_CURRENT_LIST_DIR})
set(made ${CMAKE_BINARY_DIR}/cmake)

set_target_properties(lazuli_runtime PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
  EXPORT_NAME lazuli)
install(TARGETS lazuli_runtime EXPORT LazuliTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY runtime/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")

file(MAKE_DIRECTORY ${made})
file(CREATE_LINK liblazuli.so.${PROJECT_VERSION_MAJOR} ${made}/libmlxc.so
  SYMBOLIC)
install(FILES ${made}/libmlxc.so DESTINATION ${CMAKE_INSTALL_LIBDIR})

# Relative to themselves, so that an installed tree may be moved.
file(RELATIVE_PATH LAZULI_PC_PREFIX
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(name lazuli mlxc)
  configure_file(${here}/${name}.pc.in ${made}/${name}.pc @ONLY)
  install(FILES ${made}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

set(lazuli_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Lazuli)
install(EXPORT LazuliTargets NAMESPACE Lazuli:: DESTINATION ${lazuli_dir})
configure_package_config_file(${here}/LazuliConfig.cmake.in
  ${made}/LazuliConfig.cmake INSTALL_DESTINATION ${lazuli_dir})
write_basic_package_version_file(${made}/LazuliConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${made}/LazuliConfig.cmake ${made}/LazuliConfigVersion.cmake
  DESTINATION ${lazuli_dir})

set(mlxc_dir share/cmake/MLXC)
configure_package_config_file(${here}/MLXCConfig.cmake.in
  ${made}/MLXCConfig.cmake INSTALL_DESTINATION ${mlxc_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${made}/MLXCConfigVersion.cmake
  VERSION ${LAZULI_INTERFACE_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${made}/MLXCConfig.cmake ${made}/MLXCConfigVersion.cmake
  DESTINATION ${mlxc_dir})

file(GLOB pages CONFIGURE_DEPENDS man/*.1)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
