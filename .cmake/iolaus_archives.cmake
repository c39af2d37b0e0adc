# The two archives that users link, and their installation for find_package(iolaus).
add_library(iolaus_config_archive STATIC $<TARGET_OBJECTS:iolaus_config>
                                         $<TARGET_OBJECTS:iolaus_base>)
set_target_properties(iolaus_config_archive PROPERTIES OUTPUT_NAME iolaus_config
                                                       EXPORT_NAME config)
target_include_directories(iolaus_config_archive INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_link_libraries(
  iolaus_config_archive PUBLIC fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json
                               Threads::Threads $<BUILD_INTERFACE:${YAML_LIBRARY}>)
add_library(iolaus::config ALIAS iolaus_config_archive)

add_library(
  iolaus_archive STATIC $<TARGET_OBJECTS:iolaus_core> $<TARGET_OBJECTS:iolaus_kernels>
                        $<TARGET_OBJECTS:iolaus_autograd> $<TARGET_OBJECTS:iolaus_nn>)
set_target_properties(iolaus_archive PROPERTIES OUTPUT_NAME iolaus EXPORT_NAME archive)
target_link_libraries(iolaus_archive PUBLIC iolaus_config_archive DNNL::dnnl OpenMP::OpenMP_CXX
                                            ZLIB::ZLIB ${CMAKE_DL_LIBS})
if(IOLAUS_WITH_CUDA)
  target_link_libraries(iolaus_archive PUBLIC CUDA::cudart_static)
endif()

# Linked whole: a linker drops objects that nobody names, and with them every registered kernel.
add_library(iolaus INTERFACE)
target_link_libraries(iolaus INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,iolaus_archive>
                                       iolaus_config_archive)
add_library(iolaus::iolaus ALIAS iolaus)
