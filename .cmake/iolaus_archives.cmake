# The two archives that users link, and their installation for find_package(iolaus).
include(CMakePackageConfigHelpers)

set(iolaus_include_dirs $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/iolaus>)

add_library(iolaus_config_archive STATIC $<TARGET_OBJECTS:iolaus_config>
                                         $<TARGET_OBJECTS:iolaus_base>)
set_target_properties(iolaus_config_archive PROPERTIES OUTPUT_NAME iolaus_config
                                                       EXPORT_NAME config)
target_include_directories(iolaus_config_archive INTERFACE ${iolaus_include_dirs})
target_compile_features(iolaus_config_archive INTERFACE cxx_std_20)
target_link_libraries(iolaus_config_archive PUBLIC fmt::fmt spdlog::spdlog Threads::Threads yaml)
add_library(iolaus::config ALIAS iolaus_config_archive)

add_library(
  iolaus_archive STATIC $<TARGET_OBJECTS:iolaus_core> $<TARGET_OBJECTS:iolaus_kernels>
                        $<TARGET_OBJECTS:iolaus_autograd> $<TARGET_OBJECTS:iolaus_nn>)
set_target_properties(iolaus_archive PROPERTIES OUTPUT_NAME iolaus EXPORT_NAME archive)
target_link_libraries(iolaus_archive PUBLIC iolaus_config_archive DNNL::dnnl OpenMP::OpenMP_CXX
                                            ZLIB::ZLIB ${CMAKE_DL_LIBS})
if(IOLAUS_CUDA_SIM)
  target_link_libraries(iolaus_archive PUBLIC Boost::context)
elseif(IOLAUS_WITH_CUDA)
  target_link_libraries(iolaus_archive PUBLIC CUDA::cudart_static)
endif()

# Linked whole: a linker drops objects that nobody names, and with them every registered kernel.
add_library(iolaus INTERFACE)
target_link_libraries(
  iolaus INTERFACE $<BUILD_INTERFACE:$<LINK_LIBRARY:WHOLE_ARCHIVE,iolaus_archive>>
                   $<INSTALL_INTERFACE:$<LINK_LIBRARY:WHOLE_ARCHIVE,iolaus::archive>>
                   iolaus_config_archive)
add_library(iolaus::iolaus ALIAS iolaus)

install(TARGETS iolaus iolaus_archive iolaus_config_archive EXPORT iolaus-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT iolaus-targets NAMESPACE iolaus:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/iolaus)
foreach(folder core config kernels autograd nn)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/iolaus FILES_MATCHING PATTERN "*.h")
endforeach()
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/iolaus-config.cmake.in ${PROJECT_BINARY_DIR}/iolaus-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/iolaus)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/iolaus-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/iolaus-config.cmake
              ${PROJECT_BINARY_DIR}/iolaus-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/iolaus)
