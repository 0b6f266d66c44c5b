#!/usr/bin/python3
"""A WebKitGTK browser for WebDriver that keeps what its pages store.

MiniBrowser's windows under automation are private ones: IndexedDB is in memory
there, by other code than in the browsers that people use, and ends with them.
What is stored is below XDG_DATA_HOME and XDG_CACHE_HOME.
"""

import base64
import os

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gdk, Gtk, JavaScriptCore, WebKit2  # noqa: E402 - versions come first


def main():
    context = WebKit2.WebContext(
        website_data_manager=WebKit2.WebsiteDataManager(
            base_data_directory=os.environ["XDG_DATA_HOME"] + "/webkit",
            base_cache_directory=os.environ["XDG_CACHE_HOME"] + "/webkit",
        )
    )
    context.set_automation_allowed(True)
    context.connect("automation-started", started)
    Gtk.main()


def started(context, session):
    info = WebKit2.ApplicationInfo()
    info.set_name("MiniBrowser")
    info.set_version(WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version())
    session.set_application_info(info)
    tabs = Gtk.Notebook(show_tabs=False, show_border=False)
    window = Gtk.Window(default_width=1280, default_height=800)
    window.add(tabs)
    window.show_all()

    def opened(_session):
        view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
        manager = view.get_user_content_manager()
        for name, answer in {"dark": dark, "picture": picture}.items():
            manager.connect("script-message-with-reply-received::" + name, answer, view)
            manager.register_script_message_handler_with_reply(name, None)
        view.connect("close", lambda view: view.destroy())
        view.show()
        tabs.set_current_page(tabs.append_page(view))
        return view

    session.connect("create-web-view::tab", opened)
    session.connect("create-web-view::window", opened)


# What WebDriver has no commands for, or none that work without a GPU's libraries, a page asks of its window:
# await webkit.messageHandlers.NAME.postMessage(value).


def dark(_manager, value, reply, _view):
    """Has all pages prefer a dark or a light theme."""
    Gtk.Settings.get_default().set_property("gtk-application-prefer-dark-theme", value.to_boolean())
    reply.return_value(value)
    return True


def picture(_manager, value, reply, view):
    """Answers with what the view shows, as the base64 of a PNG."""
    shown = view.get_allocation()
    pixels = Gdk.pixbuf_get_from_window(view.get_window(), shown.x, shown.y, shown.width, shown.height)
    _saved, png = pixels.save_to_bufferv("png", [], [])
    reply.return_value(JavaScriptCore.Value.new_string(value.get_context(), base64.b64encode(png).decode()))
    return True


main()
