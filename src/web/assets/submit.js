// Sends the form that carries a sign-in request to the identity provider. Without JavaScript the button does the same.
document.querySelector('form[data-submit]')?.submit();
